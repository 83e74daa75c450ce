// SPDX-License-Identifier: GPL-2.0-only

//! Which columns a line has room for, and how wide they are.

use super::column::Column::{self, Age, Dst, DstRate, Idle, Pin, Reason, Sni, Src, SrcRate, State};

/// Of each column the widest cell, by its place in [`Column::ALL`].
pub(crate) type Needs = [usize; Column::ALL.len()];

/// A column, where it begins and how wide it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Place {
    pub(crate) column: Column,
    pub(crate) from: usize,
    pub(crate) width: usize,
}

/// What goes first where there is no room. `show` has all of it.
const GO: [Column; 9] = [Dst, Src, Reason, Idle, DstRate, SrcRate, Age, Pin, State];
/// What gets the room that is left.
const GROW: [Column; 5] = [Sni, Pin, Reason, Src, Dst];

/// How wide a column is at least. Of a name so much that it can be told from others: a client that says a long one shall not
/// make the other columns go.
fn least(column: Column, need: usize) -> usize {
    match column {
        Sni => need.min(40),
        Pin | Reason => need.min(9),
        Src | Dst => need.min(15),
        _ => need,
    }
}

/// Cuts columns, then leaves some out. The names are cut last.
pub(crate) fn layout(needs: &Needs, room: usize) -> Vec<Place> {
    let need = |column: Column| needs[column as usize].max(column.title().len());
    let total = |widths: &[(Column, usize)], gap: usize| {
        let gaps = widths.len().saturating_sub(1) * gap;
        widths.iter().map(|(_, width)| width).sum::<usize>() + gaps
    };
    let whole = Column::ALL.map(|column| (column, need(column)));
    if total(&whole, 2) <= room {
        return places(&whole, 2);
    }
    let mut widths = Column::ALL
        .map(|column| (column, least(column, need(column))))
        .to_vec();
    for gone in GO {
        if total(&widths, 1) <= room {
            break;
        }
        widths.retain(|(column, _)| *column != gone);
    }
    let over = total(&widths, 1).saturating_sub(room);
    let mut left = room.saturating_sub(total(&widths, 1));
    for grown in GROW {
        let Some((_, width)) = widths.iter_mut().find(|(column, _)| *column == grown) else {
            continue;
        };
        let more = need(grown).saturating_sub(*width).min(left);
        left -= more;
        *width += more;
        if grown == Sni {
            *width = width.saturating_sub(over).max(1);
        }
    }
    places(&widths, 1)
}

fn places(widths: &[(Column, usize)], gap: usize) -> Vec<Place> {
    let mut from = 0;
    widths
        .iter()
        .map(|&(column, width)| {
            let place = Place {
                column,
                from,
                width,
            };
            from += width + gap;
            place
        })
        .collect()
}

/// Cuts a text to a width, with an ellipsis. Of names and addresses the end stays, as it tells more: who owns a name, and which
/// port.
pub(crate) fn fit(column: Column, text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return text.into();
    }
    let Some(shown) = width.checked_sub(1) else {
        return String::new();
    };
    let tail = match column {
        Sni => shown.div_ceil(2).max(shown.min(24)),
        Src | Dst => text.rfind(':').map_or(0, |colon| length - colon).min(shown),
        _ => 0,
    };
    let head = text.chars().take(shown - tail);
    let tail = text.chars().skip(length - tail);
    head.chain(['\u{2026}']).chain(tail).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of usual rows, with names of so many characters.
    fn needs(sni: usize) -> Needs {
        [6, 6, 4, 4, 11, sni, 7, 18, 20, 15, 5]
    }

    fn columns(sni: usize, room: usize) -> Vec<Column> {
        let places = layout(&needs(sni), room);
        places.iter().map(|place| place.column).collect()
    }

    fn width(column: Column, sni: usize, room: usize) -> usize {
        let places = layout(&needs(sni), room);
        let place = places.iter().find(|place| place.column == column);
        place.map_or(0, |place| place.width)
    }

    #[test]
    fn whatever_the_room_nothing_runs_over_and_names_are_cut_last() {
        for sni in [1, 15, 40, 100, 255] {
            for room in 0..400 {
                let places = layout(&needs(sni), room);
                let end = places.last().map_or(0, |last| last.from + last.width);
                assert!(end <= room.max(8), "{sni} {room}: {places:?}");
                for pair in places.windows(2) {
                    assert!(pair[0].from + pair[0].width < pair[1].from);
                }
                let name = width(Sni, sni, room);
                // All others have been cut before, and for the first forty characters all have gone that may go.
                let need = sni.max(3);
                if name < need {
                    for column in [Pin, Reason, Src, Dst] {
                        assert!(width(column, sni, room) <= 15, "{sni} {room}");
                    }
                }
                if name < need.min(40) {
                    assert_eq!(columns(sni, room), [Sni, Column::Id], "{sni} {room}");
                }
            }
        }
    }

    #[test]
    fn at_80_columns_what_the_destination_and_the_source_say_goes_first() {
        assert_eq!(
            columns(18, 80),
            [
                Age,
                Idle,
                SrcRate,
                DstRate,
                State,
                Sni,
                Pin,
                Reason,
                Column::Id
            ]
        );
        assert_eq!(columns(18, 132).len(), 11);
        assert_eq!(width(Sni, 18, 80), 18);
    }

    #[test]
    fn the_end_of_a_name_stays() {
        let name = "www.bank.example.with.many.labels.evil.example";
        for (column, text, width, cut) in [
            (Sni, name, 46, name),
            (Sni, name, 30, "www.b\u{2026}many.labels.evil.example"),
            (Sni, name, 9, "\u{2026}.example"),
            (Src, "192.168.100.7:40000", 15, "192.168.\u{2026}:40000"),
            (Src, "192.168.100.7:40000", 4, "\u{2026}000"),
            (Reason, "resent-differently", 9, "resent-d\u{2026}"),
            (Reason, "hole", 0, ""),
        ] {
            assert_eq!(fit(column, text, width), cut);
        }
    }
}
