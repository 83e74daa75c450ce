// SPDX-License-Identifier: GPL-2.0-only

//! What keys ask for.

use super::*;
use crate::{
    command::top::app::{Act, View},
    mark::PinName,
};

fn control(app: &mut App, letter: char) -> Asked {
    app.key(KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL))
}

fn error(app: &App) -> Option<&str> {
    let said = app.said.as_ref().filter(|said| said.is_error);
    said.map(|said| said.text.as_str())
}

#[test]
fn actions_are_about_the_selected_connection() {
    let mut app = app(3..8);
    press(&mut app, KeyCode::Down);
    assert_eq!(selected(&app), Some(6));
    assert_eq!(press(&mut app, KeyCode::Char('p')), Asked::Do(Act::Pin(6)));
    press(&mut app, KeyCode::Char('u'));
    assert_eq!(error(&app), Some("connection 6 has no pin"));
    press(&mut app, KeyCode::Up);
    let unpin = Act::Unpin(7, PinName("approved".into()));
    assert_eq!(press(&mut app, KeyCode::Char('u')), Asked::Do(unpin));
    assert_eq!(error(&app), None);
}

#[test]
fn names_are_asked_for_and_proposed_again() {
    let mut app = app(3..8);
    let named = |name: &str| PinName(name.into());
    press(&mut app, KeyCode::Char('a'));
    let share = Asked::Do(Act::Share(7, named("default")));
    assert_eq!(press(&mut app, KeyCode::Enter), share);
    press(&mut app, KeyCode::Char('d'));
    control(&mut app, 'u');
    type_text(&mut app, "two words");
    assert_eq!(press(&mut app, KeyCode::Enter), Asked::Nothing);
    let prompt = app.prompt.as_ref().expect("it is still asked");
    assert!(prompt
        .error
        .as_ref()
        .is_some_and(|error| error.contains("letters, digits")));
    control(&mut app, 'u');
    type_text(&mut app, "bad");
    // The name is for the connection that was selected, whatever comes meanwhile.
    app.load(SECOND, (3..20).map(made));
    let deny = |id| Asked::Do(Act::Deny(id, named("bad")));
    assert_eq!(press(&mut app, KeyCode::Enter), deny(7));
    press(&mut app, KeyCode::Char('d'));
    assert_eq!(press(&mut app, KeyCode::Enter), deny(7));
    press(&mut app, KeyCode::Char('a'));
    assert_eq!(press(&mut app, KeyCode::Esc), Asked::Nothing);
    assert!(app.prompt.is_none());
}

#[test]
fn nothing_is_done_where_nothing_is_selected() {
    let mut app = app(0..0);
    for key in ['p', 'a', 'd', 'u', '\n'] {
        let code = if key == '\n' {
            KeyCode::Enter
        } else {
            KeyCode::Char(key)
        };
        assert_eq!(press(&mut app, code), Asked::Nothing);
        assert!(error(&app).is_some_and(|error| error.contains("no connection is selected")));
        assert!(app.prompt.is_none());
    }
}

#[test]
fn a_filter_is_tried_while_it_is_typed() {
    let mut app = app(3..13);
    press(&mut app, KeyCode::Char('/'));
    type_text(&mut app, "--sni");
    assert!(app
        .prompt
        .as_ref()
        .is_some_and(|prompt| prompt.error.is_some()));
    // What was typed so far is no selector: all are still there.
    assert_eq!(order(&app).len(), 9);
    type_text(&mut app, " host-433*");
    assert!(app
        .prompt
        .as_ref()
        .is_some_and(|prompt| prompt.error.is_none()));
    assert_eq!(order(&app), [7]);
    press(&mut app, KeyCode::Esc);
    assert_eq!(order(&app).len(), 9);
    press(&mut app, KeyCode::Char('/'));
    type_text(&mut app, "--pinned --state established");
    press(&mut app, KeyCode::Enter);
    assert_eq!(
        (order(&app), app.filter.as_str()),
        (vec![7], "--pinned --state established")
    );
    // It is there to be changed, and stays where the change makes no sense.
    press(&mut app, KeyCode::Char('/'));
    type_text(&mut app, " --port x");
    assert_eq!(press(&mut app, KeyCode::Enter), Asked::Nothing);
    assert!(app.prompt.is_some());
    assert_eq!(order(&app), [7]);
    control(&mut app, 'u');
    press(&mut app, KeyCode::Enter);
    assert_eq!(order(&app).len(), 9);
    press(&mut app, KeyCode::Char('/'));
    type_text(&mut app, "--all");
    press(&mut app, KeyCode::Enter);
    assert_eq!(order(&app).len(), 10);
}

#[test]
fn columns_to_sort_by() {
    let mut app = app(3..8);
    assert_eq!(order(&app), [7, 6, 5, 4, 3]);
    press(&mut app, KeyCode::Char('r'));
    assert_eq!(order(&app), [3, 4, 5, 6, 7]);
    press(&mut app, KeyCode::Char('r'));
    press(&mut app, KeyCode::Char('s'));
    type_text(&mut app, "sni");
    press(&mut app, KeyCode::Enter);
    // 757, 676, 595, 514, 433
    assert_eq!(order(&app), [7, 6, 5, 4, 3]);
    press(&mut app, KeyCode::Char('>'));
    // 4 waits, 7 has a pin.
    assert_eq!(order(&app), [4, 7, 3, 5, 6]);
    press(&mut app, KeyCode::Char('<'));
    press(&mut app, KeyCode::Char('s'));
    type_text(&mut app, "names");
    press(&mut app, KeyCode::Enter);
    let prompt = app.prompt.as_ref().expect("it is still asked");
    assert!(prompt
        .error
        .as_ref()
        .is_some_and(|error| error.contains("sni, pin")));
}

#[test]
fn every_field_of_what_was_selected() {
    let mut app = app(3..8);
    press(&mut app, KeyCode::Enter);
    let shown = |app: &App| match &app.view {
        View::Fields {
            connection,
            is_gone,
            ..
        } => (connection.id, connection.bytes.clone(), *is_gone),
        _ => panic!("another view"),
    };
    assert_eq!(shown(&app), (7, sent(21, 350), false));
    let more = Connection {
        bytes: sent(22, 351),
        ..made(7)
    };
    app.load(SECOND, [more].into_iter());
    assert_eq!(shown(&app), (7, sent(22, 351), false));
    assert_eq!(press(&mut app, KeyCode::Char('p')), Asked::Do(Act::Pin(7)));
    app.load(2 * SECOND, [made(3)].into_iter());
    assert_eq!(shown(&app), (7, sent(22, 351), true));
    assert_eq!(press(&mut app, KeyCode::Char('q')), Asked::Nothing);
    assert!(matches!(app.view, View::Table));
    press(&mut app, KeyCode::Char('?'));
    // Help is about no connection.
    assert_eq!(press(&mut app, KeyCode::Char('p')), Asked::Nothing);
    press(&mut app, KeyCode::Esc);
    assert_eq!(press(&mut app, KeyCode::Char('q')), Asked::Leave);
    assert_eq!(control(&mut app, 'c'), Asked::Leave);
    assert_eq!(control(&mut app, 'z'), Asked::Suspend);
}
