// SPDX-License-Identifier: GPL-2.0-only

//! Tables as text: alignment, cutting, colour, rows that come later.

use super::*;

fn table() -> Table {
    let mut table = Table::new(vec![
        Column::new("ID"),
        Column::cut("SNI", 6),
        Column::cut("PIN", 3),
    ]);
    table.row(vec![
        Cell::new(1),
        Cell::new("www.example.org"),
        Cell::new("default"),
    ]);
    table.row(vec![
        Cell::new(100),
        Cell::or_dash(None::<u32>),
        Cell::coloured("x", Colour::Red),
    ]);
    table
}

#[test]
fn columns_are_aligned() {
    let expected =
        "ID   SNI              PIN\n1    www.example.org  default\n100  -                x\n";
    assert_eq!(table().render(true, None, false), expected);
    assert_eq!(table().render(true, Some(29), false), expected);
}

#[test]
fn the_gap_goes_first_then_the_widest_column() {
    assert!(table()
        .render(true, Some(28), false)
        .starts_with("ID  SNI             PIN\n1   www.example.org default\n"));
    assert!(table()
        .render(true, Some(20), false)
        .contains("\n1   www.exa\u{2026} default\n"));
    assert!(table()
        .render(true, Some(16), false)
        .contains("\n1   www.e\u{2026} defa\u{2026}\n"));
    // Nothing is cut below what can be read.
    assert!(table()
        .render(true, Some(1), false)
        .contains("\n1   www.e\u{2026} de\u{2026}\n"));
}

#[test]
fn endpoints_are_cut_after_others_and_keep_their_port() {
    let mut table = Table::new(vec![Column::endpoints("SOURCE", 12), Column::cut("SNI", 8)]);
    table.row(vec![
        Cell::new("[2001:db8::1:2:3]:40000"),
        Cell::new("www.example.org"),
    ]);
    let shown = |room| table.render(false, Some(room), false);
    assert_eq!(shown(39), "[2001:db8::1:2:3]:40000 www.example.org\n");
    assert_eq!(shown(32), "[2001:db8::1:2:3]:40000 www.exa\u{2026}\n");
    assert_eq!(shown(25), "[2001:db8\u{2026}:40000 www.exa\u{2026}\n");
    assert_eq!(shown(1), "[2001\u{2026}:40000 www.exa\u{2026}\n");
}

#[test]
fn what_goes_last_is_whole_until_all_else_is_cut() {
    let mut table = Table::new(vec![
        Column::endpoints("SOURCE", 12),
        Column::cut_last("SNI", 8),
        Column::cut("PIN", 3),
    ]);
    table.row(vec![
        Cell::new("[2001:db8::1:2:3]:40000"),
        Cell::new("www.example.org"),
        Cell::new("default"),
    ]);
    let shown = |room| table.render(false, Some(room), false);
    assert_eq!(
        shown(43),
        "[2001:db8::1:2:3]:40000 www.example.org de\u{2026}\n"
    );
    assert_eq!(
        shown(32),
        "[2001\u{2026}:40000 www.example.org de\u{2026}\n"
    );
    assert_eq!(shown(1), "[2001\u{2026}:40000 www.exa\u{2026} de\u{2026}\n");
}

#[test]
fn a_heading_has_its_room_where_it_is_shown() {
    let mut table = Table::new(vec![
        Column::cut("RESUMED", 2),
        Column::endpoints("DESTINATION", 2),
        Column::new("ID"),
    ]);
    table.row(["no", "10.0.0.1:443", "1"].map(Cell::new).into());
    table.row(["yes", "-", "2"].map(Cell::new).into());
    let shown = |heading, room| table.render(heading, room, false);
    let expected =
        "RESUMED  DESTINATION   ID\nno       10.0.0.1:443  1\nyes      -             2\n";
    assert_eq!(shown(true, None), expected);
    assert_eq!(
        shown(false, None),
        "no   10.0.0.1:443  1\nyes  -             2\n"
    );
    // It is not cut, as its cells may be.
    let expected = "RESUMED DESTINATION ID\nno      10.0.0\u{2026}:443 1\nyes     -           2\n";
    assert_eq!(shown(true, Some(1)), expected);
}

#[test]
fn each_colour_is_its_own() {
    let shown = [
        (Colour::Plain, "x"),
        (Colour::Green, "\x1b[32mx\x1b[0m"),
        (Colour::Yellow, "\x1b[33mx\x1b[0m"),
        (Colour::Red, "\x1b[31mx\x1b[0m"),
        (Colour::Faint, "\x1b[2mx\x1b[0m"),
    ];
    for (colour, expected) in shown {
        let mut table = Table::new(vec![Column::new("X")]);
        table.row(vec![Cell::coloured("x", colour)]);
        assert_eq!(table.render(false, None, true), format!("{expected}\n"));
    }
}

#[test]
fn rows_that_come_later() {
    let mut table = table();
    assert_eq!(table.len(), 2);
    let first = table.take(true, None, false);
    assert!(first.starts_with("ID   SNI              PIN\n"), "{first}");
    assert_eq!(table.len(), 0);
    table.row(["7", "-", "default"].map(Cell::new).into());
    assert_eq!(
        table.take(true, None, false),
        "7    -                default\n"
    );
    // A wider one has its room from there on.
    table.row(["1000000", "-", "-"].map(Cell::new).into());
    assert_eq!(
        table.take(true, None, false),
        "1000000  -                -\n"
    );
    table.row(["8", "-", "-"].map(Cell::new).into());
    assert_eq!(
        table.take(true, None, false),
        "8        -                -\n"
    );
}

#[test]
fn without_heading_and_in_colour() {
    let text = table().render(false, None, true);
    assert!(text.starts_with("1    www"), "{text}");
    assert!(text.ends_with("\x1b[31mx\x1b[0m\n"), "{text:?}");
    assert!(!table().render(true, None, false).contains('\x1b'));
}
