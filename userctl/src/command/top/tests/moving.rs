// SPDX-License-Identifier: GPL-2.0-only

//! Rows that move, come and go.

use super::*;
use crate::command::top::{column::Column, model::Go};

#[test]
fn the_selected_connection_stays_selected_when_rows_move() {
    let mut app = app(3..9);
    app.model.select(Go::Down(2));
    assert_eq!(selected(&app), Some(6));
    app.load(SECOND, (3..40).map(made));
    assert_eq!(selected(&app), Some(6));
    for column in Column::ALL {
        app.model.sort_by(column);
        assert_eq!(selected(&app), Some(6));
        assert!(
            app.model.page(5).any(|row| row.connection.id == 6),
            "{column:?}"
        );
    }
}

#[test]
fn no_other_connection_takes_the_place_of_one_that_went() {
    let mut app = app(3..9);
    app.model.select(Go::Down(2));
    app.load(SECOND, (3..6).map(made));
    assert_eq!(selected(&app), None);
    let said = app.said.as_ref().map(|said| said.text.as_str());
    assert_eq!(said, Some("connection 6 is not shown any more"));
    assert_eq!(press(&mut app, KeyCode::Char('p')), Asked::Nothing);
    app.load(2 * SECOND, (3..9).map(made));
    assert_eq!(selected(&app), None);
    press(&mut app, KeyCode::Down);
    assert_eq!(selected(&app), Some(8));
    // Another state, and it is shown no more.
    let over = Connection {
        state: State::Closed,
        ..made(8)
    };
    app.load(3 * SECOND, (3..8).map(made).chain([over]));
    assert_eq!(selected(&app), None);
}

#[test]
fn the_page_holds_what_is_selected() {
    let mut app = app((1..=1000).filter(|id| id % 10 > 2));
    let page = |app: &mut App, lines| -> Vec<u64> {
        app.model.page(lines).map(|row| row.connection.id).collect()
    };
    for (go, lines) in [
        (Go::Down(1), 1),
        (Go::Down(30), 10),
        (Go::Up(3), 10),
        (Go::Up(100), 3),
        (Go::Last, 10),
        (Go::First, 5),
        (Go::Down(usize::MAX), 700),
        (Go::Up(1), 2000),
        (Go::Up(699), 1),
        (Go::Down(350), 0),
        (Go::Down(1), 9),
    ] {
        app.model.select(go);
        let shown = page(&mut app, lines);
        assert_eq!(shown.len(), lines.min(700), "{go:?}");
        let id = selected(&app).expect("one is");
        assert!(
            lines == 0 || shown.contains(&id),
            "{go:?} {lines}: {id} {shown:?}"
        );
        // In the order of the whole.
        let all = order(&app);
        let from = shown
            .first()
            .and_then(|first| all.iter().position(|id| id == first))
            .unwrap_or(0);
        assert_eq!(all[from..from + shown.len()], shown);
    }
}

#[test]
fn ages_and_rates_of_what_was_there_before_and_of_what_came() {
    let mut app = app([5, 3].into_iter());
    app.load(2 * SECOND, [3, 5, 4, 6].into_iter().map(made));
    app.load(5 * SECOND, [3, 4, 5, 6, 7].into_iter().map(made));
    let now = app.model.now();
    let age = |id| {
        app.model
            .row(id)
            .map(|row| row.ago(|times| times.first, now))
            .unwrap_or_default()
    };
    assert_eq!([3, 4, 5, 6, 7].map(age), ["2s", "1s", "0s", "0s", "0s"]);
    let rates = |id| app.model.row(id).and_then(|row| row.rates);
    assert_eq!([3, 7].map(rates), [Some([0, 0]), Some([7, 116])]);
}

#[test]
fn where_ids_begin_anew_nothing_is_kept() {
    let mut app = app(3..6);
    let other = Connection {
        src: "10.9.9.9:9".parse().expect("an address"),
        bytes: sent(1, 1),
        ..made(3)
    };
    app.load(SECOND, [other].into_iter());
    let row = app.model.row(3).expect("it is there");
    assert_eq!(row.rates, None);
}

#[test]
fn what_the_command_line_does_not_mean_is_not_kept() {
    let mut app = App::new(Choice::parse("--pinned").expect("it parses"));
    app.load(Duration::ZERO, (1..30).map(made));
    assert_eq!(order(&app), [28, 14, 7]);
    assert_eq!(app.model.counts(), (3, 4));
    // 21 is not TLS.
    app.model
        .narrow(Choice::parse("--state not-tls").expect("it parses"));
    assert_eq!(order(&app), [21]);
}

#[test]
fn every_column_sorts() {
    let mut app = app(1..200);
    // Some have sent more.
    let more = |id: u64| id % 2 * (id + id % 3);
    app.load(
        SECOND,
        (1..200).map(|id| Connection {
            bytes: sent(id * 3 + more(id), id * 50 + more(id)),
            ..made(id)
        }),
    );
    for column in Column::ALL {
        app.model.sort_by(column);
        let one = order(&app);
        let rows: Vec<_> = app.model.shown().collect();
        assert!(
            rows.windows(2)
                .all(|pair| column.compare(pair[0], pair[1]).is_le()),
            "{column:?}"
        );
        // What is not known comes last.
        let dashes = rows.iter().map(|row| column.text(row, SECOND) == "-");
        assert!(dashes.is_sorted(), "{column:?}");
        app.model.reverse();
        let mut other = order(&app);
        // All have one destination.
        assert!(one != other || column == Column::Dst, "{column:?}");
        app.model.reverse();
        other.sort_unstable();
        let mut one = one;
        one.sort_unstable();
        assert_eq!(one, other);
    }
}
