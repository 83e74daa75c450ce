// SPDX-License-Identifier: GPL-2.0-only

//! Reading ahead: a thread of its own reads and unpacks, while the connections are followed on another.

use std::{
    io::{self, Read},
    mem,
    sync::mpsc::{channel, sync_channel, Receiver, Sender, SyncSender},
    thread,
};

/// Bytes that are read at once.
const BLOCK: usize = 1 << 17;

/// Blocks that are read ahead at most.
const AHEAD: usize = 8;

/// What the thread reads, in its order.
enum Block {
    /// In the first so many bytes.
    Some(Vec<u8>, usize),
    /// Reading has ended, or failed.
    Last(io::Result<()>),
}

/// An input that is read ahead. The thread ends when the input does, or when nobody reads here any longer.
pub(super) struct Ahead {
    blocks: Receiver<Block>,
    /// Where blocks go that were read here.
    used: Sender<Vec<u8>>,
    block: Vec<u8>,
    /// What of it is not read here yet.
    from: usize,
    to: usize,
    is_over: bool,
    /// Why it was not read to its end.
    trouble: Option<(io::ErrorKind, String)>,
}

impl Ahead {
    /// Begins to read. An error says that there is no thread.
    pub(super) fn new(input: Box<dyn Read + Send>) -> io::Result<Self> {
        let (sender, blocks) = sync_channel(AHEAD);
        let (used, free) = channel();
        thread::Builder::new()
            .name("reader".into())
            .spawn(move || read(input, &sender, &free))?;
        Ok(Self {
            blocks,
            used,
            block: Vec::new(),
            from: 0,
            to: 0,
            is_over: false,
            trouble: None,
        })
    }

    /// Waits for the next block, if all of this one was read. An error comes each time, once all before it was read.
    fn next(&mut self) -> io::Result<()> {
        if self.from < self.to {
            return Ok(());
        }
        if !self.is_over {
            let block = self.blocks.recv();
            match block.map_err(|_| io::Error::other("the thread that reads is gone"))? {
                Block::Some(block, len) => {
                    let used = mem::replace(&mut self.block, block);
                    (self.from, self.to) = (0, len);
                    // Where the thread has ended it is not needed.
                    let _ = self.used.send(used);
                }
                Block::Last(how) => {
                    self.is_over = true;
                    self.trouble = how.err().map(|error| (error.kind(), error.to_string()));
                }
            }
        }
        match &self.trouble {
            Some((kind, text)) => Err(io::Error::new(*kind, text.clone())),
            None => Ok(()),
        }
    }
}

impl Read for Ahead {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.next()?;
        let mut there = self.block.get(self.from..self.to).unwrap_or_default();
        let len = there.read(room)?;
        self.from += len;
        Ok(len)
    }
}

/// Reads to the end, or until nobody takes it. What comes is handed over as it comes, so that a pipe is followed without delay.
fn read(mut input: Box<dyn Read + Send>, blocks: &SyncSender<Block>, free: &Receiver<Vec<u8>>) {
    loop {
        let mut block = free.try_recv().unwrap_or_default();
        block.resize(BLOCK, 0);
        let next = match input.read(&mut block) {
            Ok(0) => Block::Last(Ok(())),
            Ok(len) => Block::Some(block, len),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Block::Last(Err(error)),
        };
        let is_last = matches!(next, Block::Last(_));
        if blocks.send(next).is_err() || is_last {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            atomic::{AtomicUsize, Ordering},
            Arc,
        },
        time::{Duration, Instant},
    };

    use super::*;

    /// Reads of these lengths, and how that ends.
    struct Script {
        reads: Vec<usize>,
        number: Arc<AtomicUsize>,
        fails: bool,
    }

    impl Read for Script {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            let number = self.number.fetch_add(1, Ordering::SeqCst);
            match self.reads.get(number) {
                Some(&len) => {
                    room[..len].fill(number as u8);
                    Ok(len)
                }
                None if self.fails => Err(io::ErrorKind::ConnectionReset.into()),
                None => Ok(0),
            }
        }
    }

    fn script(reads: &[usize], fails: bool) -> (Ahead, Arc<AtomicUsize>) {
        let number = Arc::new(AtomicUsize::new(0));
        let script = Script {
            reads: reads.to_vec(),
            number: number.clone(),
            fails,
        };
        (Ahead::new(Box::new(script)).expect("a thread"), number)
    }

    #[test]
    fn the_same_comes_out_in_its_order() {
        let reads: Vec<usize> = (0..300).map(|number| 1 + number * 431 % BLOCK).collect();
        let (mut ahead, _) = script(&reads, false);
        let mut all = Vec::new();
        ahead.read_to_end(&mut all).expect("it does not fail");
        let expected: Vec<u8> = (0..300)
            .flat_map(|number| vec![number as u8; reads[number]])
            .collect();
        assert!(all == expected);
        assert_eq!(ahead.read(&mut [0; 9]).expect("the end stays"), 0);
    }

    #[test]
    fn a_failure_comes_after_what_was_read() {
        let (mut ahead, _) = script(&[10, 20], true);
        let mut all = Vec::new();
        let error = ahead.read_to_end(&mut all).expect_err("it fails");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        assert_eq!(all.len(), 30);
        // Whoever did not take notice of it at first hears of it again.
        let again = ahead.read(&mut [0; 9]).expect_err("it fails again");
        assert_eq!(again.kind(), io::ErrorKind::ConnectionReset);
    }

    #[test]
    fn what_is_read_ahead_is_bounded_and_ends_with_the_reader() {
        let (mut ahead, number) = script(&[BLOCK; 1000], false);
        assert!(ahead.read(&mut [0; 100]).expect("there is some") > 0);
        let until = Instant::now() + Duration::from_secs(20);
        while number.load(Ordering::SeqCst) < AHEAD + 2 && Instant::now() < until {
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(Duration::from_millis(50));
        // One is read here, as many wait as may, and one has no room.
        assert_eq!(number.load(Ordering::SeqCst), AHEAD + 2);
        drop(ahead);
        thread::sleep(Duration::from_millis(50));
        assert_eq!(number.load(Ordering::SeqCst), AHEAD + 2);
    }
}
