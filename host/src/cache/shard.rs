//! The form of a cache file: one for each shard, read whole and searched where it lies.
//!
//! ```text
//! magic                 16
//! shard key             32
//! BLAKE3 of the rest    32   against damage, not against forgers
//! quiet, loud           4 4  how many of each
//! quiet × (key 16, stamp 2)          no finding: 18 bytes
//! loud  × (key 16, stamp 2, len 4)
//! records                            of the loud ones, in their order
//! ```
//! Keys are sorted, numbers little-endian. A stamp is the day on which the entry was last of use and, in the top
//! bit, whether the guest saw the file at all. What does not fit together is no shard; then there is none.

use std::sync::atomic::{AtomicU64, Ordering};

use super::key::{FileKey, ShardKey};
use super::record::MAX_RECORD;

/// The last byte is the format's version.
const MAGIC: &[u8; 16] = b"scanhost cache\x00\x01";

/// Entries of one shard. At 18 bytes each they are read in a few milliseconds.
pub const MAX_ENTRIES: usize = 1_000_000;

/// Bytes of one shard.
pub const MAX_BYTES: usize = 64 << 20;

/// What is left of a full shard once it is cleared out, so that not every run has to.
const KEPT: usize = 3;

/// … of so many parts.
const PARTS: usize = 4;

const HEAD: usize = 16 + 32 + 32 + 4 + 4;
const QUIET: usize = 16 + 2;
const LOUD: usize = 16 + 2 + 4;

/// Set in a stamp: the guest saw the file.
const HANDED: u16 = 1 << 15;

/// An entry that was used and is older than this gets a new stamp; so a shard that is in use is written about once a week.
const FRESH: u16 = 7;

/// A day as stamps have it: days since the beginning of 2020, for 89 years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(u16);

impl Day {
    /// The day of a time in seconds since 1970.
    pub fn of_unix(seconds: u64) -> Self {
        Self((seconds / 86_400).saturating_sub(18_262).min(u64::from(HANDED - 1)) as u16)
    }
}

/// What a shard says of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry<'s> {
    /// The router did not hand it over: no anchor, or the wrong kind of content.
    Unrouted,
    /// The guest had nothing to say.
    Clean,
    /// The guest reported; a [`record`](super::record).
    Reported(&'s [u8]),
}

/// A shard in memory.
pub struct Shard {
    bytes: Vec<u8>,
    quiet: usize,
    loud: usize,
    /// Where the records begin, and where the last one ends; one more than there are loud entries.
    starts: Vec<u32>,
    /// A bit for each entry that was of use.
    used: Vec<AtomicU64>,
}

impl Default for Shard {
    fn default() -> Self {
        Self { bytes: vec![0; HEAD], quiet: 0, loud: 0, starts: vec![HEAD as u32], used: Vec::new() }
    }
}

/// What a run adds to a shard.
#[derive(Debug, Default)]
pub struct Additions {
    /// Key, and whether the guest saw the file.
    pub quiet: Vec<(FileKey, bool)>,
    /// Key and record.
    pub loud: Vec<(FileKey, Vec<u8>)>,
}

impl Shard {
    /// Reads a file's bytes. None: they are no shard of this key, or damaged.
    pub fn parse(bytes: Vec<u8>, key: &ShardKey) -> Option<Self> {
        if bytes.len() < HEAD || bytes.len() > MAX_BYTES || bytes[..16] != MAGIC[..] || bytes[16..48] != key.0 {
            return None;
        }
        if blake3::hash(&bytes[80..]) != blake3::Hash::from_slice(&bytes[48..80]).ok()? {
            return None;
        }
        let count = |at: usize| number(&bytes[at..at + 4]);
        let (quiet, loud) = (count(80), count(84));
        if quiet > MAX_ENTRIES || loud > MAX_ENTRIES {
            return None;
        }
        let records = HEAD + quiet * QUIET + loud * LOUD;
        let table = bytes.get(records - loud * LOUD..records)?;
        let mut starts = Vec::with_capacity(loud + 1);
        let mut at = records;
        for entry in table.chunks_exact(LOUD) {
            starts.push(at as u32);
            let len = number(&entry[18..22]);
            if len > MAX_RECORD {
                return None;
            }
            at += len;
        }
        starts.push(at as u32);
        if at != bytes.len() {
            return None;
        }
        let used = (0..(quiet + loud).div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        Some(Self { bytes, quiet, loud, starts, used })
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.quiet + self.loud
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What it says of a file.
    pub fn find(&self, key: &FileKey) -> Option<Entry<'_>> {
        if let Some(at) = search::<QUIET>(self.quiet_table(), key) {
            self.mark(at);
            let handed = stamp(&self.quiet_table()[at * QUIET..]) & HANDED != 0;
            return Some(if handed { Entry::Clean } else { Entry::Unrouted });
        }
        let at = search::<LOUD>(self.loud_table(), key)?;
        self.mark(self.quiet + at);
        Some(Entry::Reported(self.record(at)))
    }

    /// Whether a used entry's stamp has to be renewed.
    pub fn is_stale(&self, today: Day) -> bool {
        self.used().any(|at| today.0.saturating_sub(self.row(at).stamp & !HANDED) > FRESH)
    }

    /// Whether a record is one of these.
    pub fn any_record(&self, mut test: impl FnMut(&[u8]) -> bool) -> bool {
        (0..self.loud).any(|at| test(self.record(at)))
    }

    /// What tells this file from every other: its beginning, with the checksum.
    pub fn head(&self) -> &[u8] {
        &self.bytes[..80]
    }

    /// This shard with what a run learnt, without the records that `refuse` names, as a file's bytes. `used` is the
    /// shard that the run itself had: another run may have written since. What was not of use for the longest
    /// goes when there is too much.
    ///
    /// A commit hook adds a handful to what may be a million, so what stays is copied in runs and not taken apart.
    pub fn with(
        &self,
        used: &Self,
        additions: &Additions,
        key: &ShardKey,
        today: Day,
        refuse: impl Fn(&[u8]) -> bool,
    ) -> Vec<u8> {
        let mut new: Vec<Row<'_>> = Vec::with_capacity(additions.quiet.len() + additions.loud.len());
        new.extend(additions.quiet.iter().map(|(key, handed)| {
            let stamp = today.0 | if *handed { HANDED } else { 0 };
            Row { key: *key, stamp, record: None }
        }));
        new.extend(additions.loud.iter().map(|(key, record)| Row {
            key: *key,
            stamp: today.0 | HANDED,
            record: Some(record),
        }));
        new.retain(|row| !row.record.is_some_and(&refuse));
        new.sort_by_key(|row| row.key);
        new.dedup_by_key(|row| row.key);

        let mut table = self.quiet_table().to_vec();
        let mut loud: Vec<Row<'_>> = (self.quiet..self.len()).map(|at| self.row(at)).collect();
        let same = self.head() == used.head();
        for at in used.used() {
            let Some(at) = (if same { Some(at) } else { self.place(&used.row(at).key) }) else { continue };
            match at.checked_sub(self.quiet) {
                None => {
                    let stamp = today.0 | stamp(&table[at * QUIET..]) & HANDED;
                    table[at * QUIET + 16..][..2].copy_from_slice(&stamp.to_le_bytes());
                }
                Some(at) => loud[at].stamp = today.0 | HANDED,
            }
        }
        loud.retain(|row| {
            !row.record.is_some_and(&refuse) && new.binary_search_by_key(&row.key, |new| new.key).is_err()
        });
        loud.extend(new.iter().filter(|row| row.record.is_some()));
        loud.sort_by_key(|row| row.key);
        let mut quiet = merge(&table, &new);
        make_room(&mut quiet, &mut loud, today);
        write(&quiet, &loud, key)
    }

    fn quiet_table(&self) -> &[u8] {
        &self.bytes[HEAD..HEAD + self.quiet * QUIET]
    }

    fn loud_table(&self) -> &[u8] {
        let start = HEAD + self.quiet * QUIET;
        &self.bytes[start..start + self.loud * LOUD]
    }

    fn record(&self, at: usize) -> &[u8] {
        &self.bytes[self.starts[at] as usize..self.starts[at + 1] as usize]
    }

    fn row(&self, at: usize) -> Row<'_> {
        let (entry, record) = match at.checked_sub(self.quiet) {
            None => (&self.quiet_table()[at * QUIET..], None),
            Some(loud) => (&self.loud_table()[loud * LOUD..], Some(self.record(loud))),
        };
        let mut key = [0; 16];
        key.copy_from_slice(&entry[..16]);
        Row { key: FileKey(key), stamp: stamp(entry), record }
    }

    fn mark(&self, at: usize) {
        self.used[at / 64].fetch_or(1 << (at % 64), Ordering::Relaxed);
    }

    /// The entries that were of use.
    fn used(&self) -> impl Iterator<Item = usize> {
        self.used.iter().enumerate().flat_map(|(word, bits)| {
            let bits = bits.load(Ordering::Relaxed);
            // Most of them are not.
            let range = if bits == 0 { 0..0 } else { 0..64 };
            range.filter(move |bit| bits >> bit & 1 == 1).map(move |bit| word * 64 + bit)
        })
    }

    /// Where the entry of a key is.
    fn place(&self, key: &FileKey) -> Option<usize> {
        let quiet = search::<QUIET>(self.quiet_table(), key);
        quiet.or_else(|| search::<LOUD>(self.loud_table(), key).map(|at| self.quiet + at))
    }
}

/// An entry on its way from one file to the next.
#[derive(Clone, Copy)]
struct Row<'r> {
    key: FileKey,
    stamp: u16,
    record: Option<&'r [u8]>,
}

/// The table of quiet entries with the quiet ones of these rows, and without what any of the rows replaces.
fn merge(table: &[u8], rows: &[Row<'_>]) -> Vec<u8> {
    let mut out = Vec::with_capacity(table.len() + rows.len() * QUIET);
    let mut rest = table;
    for row in rows {
        let (Ok(at) | Err(at)) = position::<QUIET>(rest, &row.key);
        out.extend_from_slice(&rest[..at * QUIET]);
        rest = &rest[at * QUIET..];
        if rest.len() >= QUIET && rest[..16] == row.key.0 {
            rest = &rest[QUIET..];
        }
        if row.record.is_none() {
            out.extend_from_slice(&row.key.0);
            out.extend_from_slice(&row.stamp.to_le_bytes());
        }
    }
    out.extend_from_slice(rest);
    out
}

/// Lets the oldest go when there are too many: whole days of them, and of the last day as many as have to.
fn make_room(quiet: &mut Vec<u8>, loud: &mut Vec<Row<'_>>, today: Day) {
    let size = |quiet: &[u8], loud: &[Row<'_>]| {
        quiet.len() + loud.iter().map(|row| LOUD + row.record.map_or(0, <[u8]>::len)).sum::<usize>()
    };
    if quiet.len() / QUIET + loud.len() <= MAX_ENTRIES && HEAD + size(quiet, loud) <= MAX_BYTES {
        return;
    }
    let quiet_ages = quiet.chunks_exact(QUIET).enumerate().map(|(at, entry)| (age(stamp(entry), today), QUIET, at));
    let loud_ages = loud
        .iter()
        .enumerate()
        .map(|(at, row)| (age(row.stamp, today), LOUD + row.record.map_or(0, <[u8]>::len), quiet.len() / QUIET + at));
    let mut all: Vec<(u16, usize, usize)> = quiet_ages.chain(loud_ages).collect();
    all.sort_by_key(|(age, ..)| *age);
    let mut left = MAX_BYTES / PARTS * KEPT - HEAD;
    let mut stays = vec![false; all.len()];
    for (_, size, at) in all.into_iter().take(MAX_ENTRIES / PARTS * KEPT) {
        if size > left {
            break;
        }
        left -= size;
        stays[at] = true;
    }
    let count = quiet.len() / QUIET;
    let kept = quiet.chunks_exact(QUIET).zip(&stays).filter(|(_, stays)| **stays).flat_map(|(entry, _)| entry);
    *quiet = kept.copied().collect();
    let mut at = count;
    loud.retain(|_| {
        at += 1;
        stays[at - 1]
    });
}

/// How many days ago a stamp is; one from the future is a wrong clock's, and older than any.
fn age(stamp: u16, today: Day) -> u16 {
    today.0.checked_sub(stamp & !HANDED).unwrap_or(u16::MAX)
}

fn write(quiet: &[u8], loud: &[Row<'_>], key: &ShardKey) -> Vec<u8> {
    let records = || loud.iter().filter_map(|row| row.record.map(|record| (row, record)));
    let size: usize = records().map(|(_, record)| LOUD + record.len()).sum();
    let mut out = Vec::with_capacity(HEAD + quiet.len() + size);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&key.0);
    out.extend_from_slice(&[0; 32]);
    out.extend_from_slice(&((quiet.len() / QUIET) as u32).to_le_bytes());
    out.extend_from_slice(&(records().count() as u32).to_le_bytes());
    out.extend_from_slice(quiet);
    for (row, record) in records() {
        out.extend_from_slice(&row.key.0);
        out.extend_from_slice(&row.stamp.to_le_bytes());
        out.extend_from_slice(&(record.len() as u32).to_le_bytes());
    }
    records().for_each(|(_, record)| out.extend_from_slice(record));
    let sum = blake3::hash(&out[80..]);
    out[48..80].copy_from_slice(sum.as_bytes());
    out
}

/// The entry of a key in a table of entries of `SIZE` bytes that begin with theirs.
fn search<const SIZE: usize>(table: &[u8], key: &FileKey) -> Option<usize> {
    position::<SIZE>(table, key).ok()
}

/// The same, or where it would be.
fn position<const SIZE: usize>(table: &[u8], key: &FileKey) -> Result<usize, usize> {
    let (mut from, mut to) = (0, table.len() / SIZE);
    while from < to {
        let middle = usize::midpoint(from, to);
        match table[middle * SIZE..middle * SIZE + 16].cmp(&key.0) {
            std::cmp::Ordering::Less => from = middle + 1,
            std::cmp::Ordering::Greater => to = middle,
            std::cmp::Ordering::Equal => return Ok(middle),
        }
    }
    Err(from)
}

fn stamp(entry: &[u8]) -> u16 {
    u16::from_le_bytes([entry[16], entry[17]])
}

fn number(bytes: &[u8]) -> usize {
    bytes.iter().rev().fold(0, |value, byte| value << 8 | usize::from(*byte))
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const KEY: ShardKey = ShardKey([7; 32]);

    fn key(n: u64) -> FileKey {
        let mut key = [0; 16];
        // Spread, as digests are.
        key[..8].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
        FileKey(key)
    }

    fn day(n: u64) -> Day {
        Day::of_unix((18_262 + n) * 86_400)
    }

    fn made(quiet: &[(u64, bool)], loud: &[(u64, &[u8])], today: Day) -> Vec<u8> {
        let additions = Additions {
            quiet: quiet.iter().map(|(n, handed)| (key(*n), *handed)).collect(),
            loud: loud.iter().map(|(n, record)| (key(*n), record.to_vec())).collect(),
        };
        Shard::default().with(&Shard::default(), &additions, &KEY, today, |_| false)
    }

    fn read(bytes: &[u8]) -> Shard {
        Shard::parse(bytes.to_vec(), &KEY).expect("a shard")
    }

    #[test]
    fn every_entry_is_found_and_none_else() {
        let quiet: Vec<(u64, bool)> = (0..1000).map(|n| (n * 2, n % 3 == 0)).collect();
        let bytes = made(&quiet, &[(1, b"one"), (3, b""), (5, b"five")], day(9));
        assert_eq!(bytes.len(), HEAD + 1000 * 18 + 3 * 22 + 7);
        let shard = read(&bytes);
        assert_eq!(shard.len(), 1003);
        for (n, handed) in quiet {
            assert_eq!(shard.find(&key(n)), Some(if handed { Entry::Clean } else { Entry::Unrouted }));
        }
        assert_eq!(shard.find(&key(1)), Some(Entry::Reported(b"one")));
        assert_eq!(shard.find(&key(3)), Some(Entry::Reported(b"")));
        assert_eq!(shard.find(&key(5)), Some(Entry::Reported(b"five")));
        assert_eq!(shard.find(&key(7)), None);
        assert_eq!(Shard::default().find(&key(1)), None);
        assert!(Shard::parse(bytes, &ShardKey([8; 32])).is_none());
    }

    #[test]
    fn what_is_new_replaces_and_what_others_wrote_stays() {
        let old = read(&made(&[(1, true), (2, true)], &[(3, b"old"), (4, b"bad")], day(1)));
        let theirs = read(&made(&[(1, true), (2, true), (9, false)], &[(3, b"old"), (4, b"bad")], day(2)));
        let additions = Additions { quiet: vec![(key(3), true)], loud: vec![(key(1), b"new".to_vec())] };
        // The run that had the old one used one of them, which is at another place by now.
        old.find(&key(2));
        let both = read(&theirs.with(&old, &additions, &KEY, day(2), |record| record == b"bad"));
        assert_eq!(both.find(&key(1)), Some(Entry::Reported(b"new")));
        assert_eq!(both.find(&key(2)), Some(Entry::Clean));
        assert_eq!(both.row(both.place(&key(2)).expect("kept")).stamp, 2 | HANDED);
        assert_eq!(both.find(&key(3)), Some(Entry::Clean));
        assert_eq!(both.find(&key(4)), None);
        assert_eq!(both.find(&key(9)), Some(Entry::Unrouted));
    }

    #[test]
    fn what_is_used_is_stamped_once_a_week() {
        let old = read(&made(&[(1, true), (2, false)], &[(3, b"x")], day(10)));
        assert!(!old.is_stale(day(100)), "nothing was used");
        old.find(&key(1));
        old.find(&key(3));
        assert!(!old.is_stale(day(17)));
        assert!(old.is_stale(day(18)));
        let new = read(&old.with(&old, &Additions::default(), &KEY, day(18), |_| false));
        let stamps: Vec<u16> = [1, 2, 3].map(|n| new.row(new.place(&key(n)).expect("kept")).stamp).to_vec();
        assert_eq!(stamps, [HANDED + 18, 10, HANDED + 18]);
    }

    #[test]
    fn a_full_shard_lets_the_oldest_go() {
        let quiet: Vec<(u64, bool)> = (0..900_000).map(|n| (n, true)).collect();
        let old = read(&made(&quiet, &[], day(1)));
        for n in 0..10 {
            old.find(&key(n));
        }
        let more: Vec<(FileKey, bool)> = (1_000_000..1_200_000).map(|n| (key(n), false)).collect();
        let additions = Additions { quiet: more, loud: vec![] };
        let new = read(&old.with(&old, &additions, &KEY, day(5), |_| false));
        assert_eq!(new.len(), 750_000);
        assert!((0..10).chain(1_000_000..1_200_000).all(|n| new.find(&key(n)).is_some()));
    }

    #[test]
    fn large_records_count_by_their_size() {
        let record = vec![b'x'; MAX_RECORD];
        let loud: Vec<(u64, &[u8])> = (0..70).map(|n| (n, &record[..])).collect();
        let bytes = made(&[(100, true)], &loud, day(1));
        assert!(bytes.len() <= MAX_BYTES / PARTS * KEPT, "{}", bytes.len());
        assert_eq!(read(&bytes).loud, 47);
    }

    proptest! {
        #[test]
        fn a_damaged_shard_is_none(at: prop::sample::Index, bit in 0..8u32, cut: prop::sample::Index) {
            let good = made(&[(1, true), (2, false)], &[(3, b"three"), (4, b"four")], day(3));
            let mut bad = good.clone();
            bad[at.index(good.len())] ^= 1 << bit;
            prop_assert!(Shard::parse(bad, &KEY).is_none());
            prop_assert!(Shard::parse(good[..cut.index(good.len())].to_vec(), &KEY).is_none());
        }

        #[test]
        fn a_forged_shard_is_no_panic(body in vec(any::<u8>(), 0..300), quiet in 0..12u32, loud in 0..12u32, lens in vec(0..20u32, 12)) {
            // With a good checksum, the counts and lengths as a forger likes them.
            for counts in [[quiet, loud], [u32::MAX, loud], [quiet, u32::MAX]] {
                let mut bytes = [&MAGIC[..], &KEY.0, &[0; 32]].concat();
                for count in counts {
                    bytes.extend_from_slice(&count.to_le_bytes());
                }
                bytes.extend_from_slice(&body);
                for (n, len) in lens.iter().enumerate() {
                    let at = HEAD + quiet as usize * QUIET + n * LOUD + 18;
                    if let Some(place) = bytes.get_mut(at..at + 4) {
                        place.copy_from_slice(&len.to_le_bytes());
                    }
                }
                // Just as long as it says, if it can be.
                let size = HEAD + quiet as usize * QUIET + loud as usize * LOUD
                    + lens.iter().take(loud as usize).sum::<u32>() as usize;
                bytes.resize(size.max(HEAD), 0xab);
                let sum = blake3::hash(&bytes[80..]);
                bytes[48..80].copy_from_slice(sum.as_bytes());
                if let Some(shard) = Shard::parse(bytes, &KEY) {
                    for at in 0..shard.len() {
                        let _ = shard.find(&shard.row(at).key);
                    }
                    let again = shard.with(&shard, &Additions::default(), &KEY, day(1), |record| record.len() > 9);
                    prop_assert!(Shard::parse(again, &KEY).is_some());
                }
            }
        }
    }
}
