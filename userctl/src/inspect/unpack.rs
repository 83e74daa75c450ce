// SPDX-License-Identifier: GPL-2.0-only

//! Captures that are packed: by gzip, zstd or lz4, told by how they begin.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use flate2::read::MultiGzDecoder;
use lz4_flex::frame::FrameDecoder as Lz4Decoder;
use ruzstd::decoding::{self as zstd, StreamingDecoder};

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const LZ4: [u8; 4] = [0x04, 0x22, 0x4d, 0x18];

type Input = Box<dyn Read + Send>;

/// What is in the input if it is packed, and the input as it is else; whether it is.
pub(super) fn unpacked(mut input: Input) -> io::Result<(Input, bool)> {
    let mut first = Vec::new();
    input.by_ref().take(4).read_to_end(&mut first)?;
    let packed = |magic: &[u8]| first.starts_with(magic);
    let (gzip, zstd, lz4) = (packed(&GZIP), packed(&ZSTD), packed(&LZ4));
    let all = Cursor::new(first).chain(input);
    Ok(match (gzip, zstd, lz4) {
        (true, ..) => (Box::new(MultiGzDecoder::new(all)), true),
        (_, true, _) => (Box::new(ZstdFrames::new(Box::new(all))?), true),
        (.., true) => (Box::new(Lz4Frames::new(Box::new(all))), true),
        _ => (Box::new(all), false),
    })
}

/// Frames of zstd, one after the other, as `cat` and some programs make them.
struct ZstdFrames(Option<StreamingDecoder<Input, zstd::FrameDecoder>>);

impl ZstdFrames {
    fn new(input: Input) -> io::Result<Self> {
        let decoder = StreamingDecoder::new(input).map_err(io::Error::other)?;
        Ok(Self(Some(decoder)))
    }

    /// Goes on with the frame that follows, if one does.
    fn next(mut input: Input) -> io::Result<Self> {
        let mut first = Vec::new();
        input.by_ref().take(1).read_to_end(&mut first)?;
        match first.is_empty() {
            true => Ok(Self(None)),
            false => Self::new(Box::new(Cursor::new(first).chain(input))),
        }
    }
}

impl Read for ZstdFrames {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        while let Some(mut decoder) = self.0.take() {
            let read = decoder.read(room)?;
            if read > 0 || room.is_empty() {
                self.0 = Some(decoder);
                return Ok(read);
            }
            *self = Self::next(decoder.into_inner())?;
        }
        Ok(0)
    }
}

/// Frames of lz4, one after the other. The decoder says at the end of each that nothing is left.
struct Lz4Frames(Lz4Decoder<BufReader<Input>>);

impl Lz4Frames {
    fn new(input: Input) -> Self {
        Self(Lz4Decoder::new(BufReader::new(input)))
    }
}

impl Read for Lz4Frames {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.0.read(room)?;
            if read > 0 || room.is_empty() || self.0.get_mut().fill_buf()?.is_empty() {
                return Ok(read);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "one ", nothing and "two", each in a frame of its own, without compression and checksum.
    const ONE: [u8; 13] = *b"\x28\xb5\x2f\xfd\x20\x04\x21\x00\x00one ";
    const NOTHING: [u8; 9] = *b"\x28\xb5\x2f\xfd\x20\x00\x01\x00\x00";
    const TWO: [u8; 12] = *b"\x28\xb5\x2f\xfd\x20\x03\x19\x00\x00two";

    fn read(octets: Vec<u8>) -> io::Result<(String, bool)> {
        let (mut input, packed) = unpacked(Box::new(Cursor::new(octets)))?;
        let mut text = String::new();
        input.read_to_string(&mut text)?;
        Ok((text, packed))
    }

    #[test]
    fn what_is_not_packed_is_left_as_it_is() {
        for text in ["", "a", "abc", "abcdefgh"] {
            let (read, packed) = read(text.into()).expect("read");
            assert_eq!((read.as_str(), packed), (text, false));
        }
    }

    #[test]
    fn each_way_to_pack() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        io::Write::write_all(&mut gzip, b"one two").expect("packed");
        let gzip = gzip.finish().expect("packed");
        let mut lz4 = lz4_flex::frame::FrameEncoder::new(Vec::new());
        io::Write::write_all(&mut lz4, b"one two").expect("packed");
        let lz4 = lz4.finish().expect("packed");
        let zstd = [&ONE[..], &TWO].concat();
        for (what, octets) in [("gzip", gzip), ("lz4", lz4), ("zstd", zstd)] {
            let (read, packed) = read(octets.clone()).expect(what);
            assert_eq!((read.as_str(), packed), ("one two", true), "{what}");
            // Cut off it is an error, or less; never an end of the program.
            for cut in 0..octets.len() {
                let _ = self::read(octets[..cut].to_vec());
            }
        }
    }

    #[test]
    fn files_one_after_the_other() {
        let parts = ["one ", "", "two"];
        let mut gzips = Vec::new();
        let mut lz4s = Vec::new();
        for part in parts {
            let mut gzip = flate2::write::GzEncoder::new(&mut gzips, flate2::Compression::fast());
            io::Write::write_all(&mut gzip, part.as_bytes()).expect("packed");
            gzip.finish().expect("packed");
            let mut lz4 = lz4_flex::frame::FrameEncoder::new(&mut lz4s);
            io::Write::write_all(&mut lz4, part.as_bytes()).expect("packed");
            lz4.finish().expect("packed");
        }
        let zstds = [&ONE[..], &NOTHING, &TWO].concat();
        for (what, octets) in [("gzip", gzips), ("lz4", lz4s), ("zstd", zstds)] {
            assert_eq!(read(octets).expect(what).0, "one two", "{what}");
        }
    }
}
