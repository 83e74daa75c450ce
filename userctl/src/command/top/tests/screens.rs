// SPDX-License-Identifier: GPL-2.0-only

//! Whole screens, against files in tests/golden.

use ratatui::{
    backend::TestBackend,
    style::{Color, Modifier},
    Terminal,
};

use super::*;
use crate::{command::top::draw::Paint, golden::holds};

/// A screen as text, where there is colour with its codes.
fn screen(app: &mut App, width: u16, height: u16, colour: bool) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a test's terminal");
    let drawn = terminal.draw(|frame| Paint { colour }.draw(frame, app));
    let buffer = drawn.expect("it draws").buffer.clone();
    let mut text = String::new();
    for y in 0..height {
        let mut line = String::new();
        let mut style = (Color::Reset, Modifier::empty());
        for x in 0..width {
            let cell = &buffer[(x, y)];
            if colour && (cell.fg, cell.modifier) != style {
                style = (cell.fg, cell.modifier);
                line += &format!("<{:?} {:?}>", style.0, style.1);
            }
            assert!(colour || cell.fg == Color::Reset, "{x} {y}: {cell:?}");
            line += cell.symbol();
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// One of each kind, of which some have sent more.
fn some() -> App {
    let long = Connection {
        sni: Some(Name(
            b"www.bank.example.with.many.labels.and.then.some.evil.example".into(),
        )),
        src: "[2001:db8:1:2:a00:27ff:fe4e:66a1]:52114"
            .parse()
            .expect("an address"),
        dst: "[2001:db8:ffff::443]:443".parse().expect("an address"),
        ..made(13)
    };
    let tainted = Connection {
        state: State::Tainted,
        reason: Some(Reason::ResentDifferently),
        sni: Some(Name(b"caf\xc3\xa9\x1b[2J.example".into())),
        ..made(26)
    };
    let now = |bytes: u64| {
        [2, 4, 7, 10, 14].into_iter().map(move |id| Connection {
            bytes: sent(id * 3 + bytes, id * 50 + bytes * 200),
            ..made(id)
        })
    };
    let mut app = app(0..0);
    app.load(SECOND, now(0));
    app.load(100 * SECOND, now(0).chain([long.clone()]));
    app.load(102 * SECOND, now(3000).chain([long, tainted]));
    press(&mut app, KeyCode::Down);
    press(&mut app, KeyCode::Down);
    app
}

#[test]
fn tables() {
    for width in [40, 80, 132, 240] {
        let text = screen(&mut some(), width, 12, false);
        holds(&format!("top-{width}.txt"), &text);
    }
    holds("top-colour.txt", &screen(&mut some(), 132, 12, true));
    holds("top-empty.txt", &screen(&mut app(0..0), 80, 5, false));
}

#[test]
fn usual_names_at_80_columns() {
    let mut app = app((1..2000).map(|id| id * 17));
    app.load(SECOND * 2, (1..2001).map(|id| made(id * 17)));
    holds("top-80-usual.txt", &screen(&mut app, 80, 24, false));
}

#[test]
fn lines_that_are_typed() {
    let mut app = some();
    press(&mut app, KeyCode::Char('/'));
    type_text(&mut app, "--sni *.example --stat");
    holds("top-filter-wrong.txt", &screen(&mut app, 100, 12, false));
    type_text(&mut app, "e tainted");
    holds("top-filter.txt", &screen(&mut app, 100, 12, false));
    press(&mut app, KeyCode::Enter);
    press(&mut app, KeyCode::Char('d'));
    holds("top-deny.txt", &screen(&mut app, 100, 6, false));
    // Where there is no room the end is shown.
    type_text(&mut app, " and more than there is room for");
    let text = screen(&mut app, 30, 6, false);
    assert!(text.ends_with("more than there is room for\n"), "{text}");
}

#[test]
fn texts() {
    let mut app = some();
    press(&mut app, KeyCode::Enter);
    holds("top-fields.txt", &screen(&mut app, 80, 40, false));
    // What `show` prints.
    let shown = crate::command::show::table(&made(14)).render(false, None, false);
    let fields = screen(&mut app, 200, 40, false);
    for line in shown.lines().filter(|line| !line.contains(" bytes")) {
        assert!(fields.contains(line), "{line}: {fields}");
    }
    press(&mut app, KeyCode::End);
    let text = screen(&mut app, 80, 10, false);
    assert!(text.contains("\nmark               0x0\n"), "{text}");
    press(&mut app, KeyCode::Esc);
    press(&mut app, KeyCode::Char('?'));
    holds("top-help.txt", &screen(&mut app, 80, 32, false));
}

#[test]
fn a_failure_is_on_the_last_line_until_it_is_over() {
    let mut app = some();
    app.unread = Some("the kernel module xt_tlsconn is not loaded: modprobe xt_tlsconn".into());
    let text = screen(&mut app, 80, 12, false);
    assert!(
        text.ends_with("\nthe kernel module xt_tlsconn is not loaded: modprobe xt_tlsconn\n"),
        "{text}"
    );
    app.load(200 * SECOND, [made(3)].into_iter());
    assert!(!screen(&mut app, 80, 12, false).contains("not loaded"));
}

#[test]
fn whatever_the_size_it_is_drawn() {
    let mut app = some();
    for key in ['t', '/', '\x1b', '\n', '\x1b', '?'] {
        let code = match key {
            '\n' => KeyCode::Enter,
            '\x1b' => KeyCode::Esc,
            key => KeyCode::Char(key),
        };
        press(&mut app, code);
        for width in (0..20).chain([79, 80, 81, 500]) {
            for height in [0, 1, 2, 3, 4, 24, 100] {
                let text = screen(&mut app, width, height, false);
                assert!(text
                    .lines()
                    .all(|line| line.chars().count() <= usize::from(width)));
            }
        }
    }
}
