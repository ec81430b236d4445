//! All formats together: what is found, what is refused, what a hostile archive may cost.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::testing::*;
use super::*;

const SMALL: ArchiveLimits =
    ArchiveLimits { depth: 8, expanded: 1 << 20, entries: 1000, ratio: 200, ratio_from: 256 << 10, size: 1 << 20 };

fn good() -> Vec<(&'static str, Vec<u8>)> {
    let files: &[(&str, &[u8])] = &[("a.txt", b"alpha"), ("b/c.txt", b"gamma, twice gamma, thrice gamma")];
    vec![
        ("x.zip", zip(files)),
        ("x.tar", tar(files)),
        ("x.tar.gz", gzip(&tar(files))),
        ("x.tar.zst", zstd(&tar(files))),
        ("x.log.gz", gzip(&noise(3000))),
        ("x.log.zst", zstd(&noise(3000))),
        ("n.zip", zip(&[("in.tgz", &gzip(&tar(files))), ("z", b"z")])),
    ]
}

#[test]
fn every_format_gives_its_files() {
    for (name, bytes) in good() {
        let found = unpack(name, &bytes);
        assert!(!found.is_incomplete() && found.left.is_empty(), "{name}: {found:?}");
        match name {
            "x.log.gz" | "x.log.zst" => {
                assert_eq!(found.files, [(format!("{name}!/x.log"), noise(3000))]);
            }
            "n.zip" => {
                let paths = ["n.zip!/in.tgz", "n.zip!/in.tgz!/a.txt", "n.zip!/in.tgz!/b/c.txt", "n.zip!/z"];
                assert_eq!(found.paths(), paths);
            }
            _ => {
                assert_eq!(found.paths(), [format!("{name}!/a.txt"), format!("{name}!/b/c.txt")]);
                assert_eq!(found.text(&format!("{name}!/a.txt")), "alpha");
            }
        }
    }
}

#[test]
fn a_file_is_streamed_and_gives_the_same() {
    use std::io::Write as _;
    for (name, bytes) in good().into_iter().filter(|(name, _)| *name != "n.zip") {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        let input = Input::File { file: &file, size: bytes.len() as u64 };
        let format = recognise_input(&input, name).unwrap();
        assert_eq!(format, recognise(&bytes, name));
        let budget = Budget::new(ArchiveLimits::default(), bytes.len() as u64, &|| false);
        let mut files = Vec::new();
        let damage = expand(&input, format.unwrap(), name, 1 << 20, &budget, &mut |found| {
            if let Found::File(member) = found {
                files.push((format!("{name}!/{}", member.path), member.bytes.to_vec()));
            }
            ControlFlow::Continue(())
        });
        assert_eq!((damage, files), (None, unpack(name, &bytes).files), "{name}");
    }
}

#[test]
fn bytes_tell_an_archive_not_names() {
    for (name, bytes) in good() {
        assert!(recognise(&bytes, "README").is_some(), "{name}");
        assert!(recognise(b"no archive at all", name).is_none());
    }
    assert!(recognise(b"", "a.zip").is_none());
    assert!(recognise(&[0; 2000], "a.tar").is_none());
    assert!(recognise(b"\x1f\x8b\x08\xff\0\0\0\0\0\0\0", "a.gz").is_none());
    assert!(is_named_like_one("x/App.JAR") && is_named_like_one("x.tar.gz") && !is_named_like_one("zip"));
}

#[test]
fn what_stands_before_a_zip_does_not_hide_it() {
    let mut bytes = b"#!/bin/sh\nexec unzip \"$0\"\n".to_vec();
    bytes.extend(zip(&[("a.txt", b"alpha")]));
    assert_eq!(unpack("run", &bytes).text("run!/a.txt"), "alpha");
    // A comment, and in it what looks like the end of another zip.
    let mut bytes = zip(&[("a.txt", b"alpha")]);
    let comment = b"PK\x05\x06 is what a zip ends with, more or less";
    let at = bytes.len() - 2;
    bytes[at..].copy_from_slice(&u16::try_from(comment.len()).unwrap().to_le_bytes());
    bytes.extend(comment);
    let found = unpack("c.zip", &bytes);
    assert_eq!(found.text("c.zip!/a.txt"), "alpha");
    assert!(!found.is_incomplete(), "{found:?}");
}

#[test]
fn names_are_made_harmless_and_stay_apart() {
    let found = unpack("x.zip", &zip(&[("../a", b"1"), ("/a", b"2"), ("a", b"3"), (r"b\c", b"4"), ("d/", b"")]));
    assert_eq!(found.paths(), [r"x.zip!/\x2e\x2e/a", "x.zip!/a", "x.zip!/a#2", "x.zip!/b/c"]);
    let mut builder = ::tar::Builder::new(Vec::new());
    for name in ["../../etc/passwd", "a", "a"] {
        let mut header = ::tar::Header::new_ustar();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(1);
        header.set_cksum();
        builder.append(&header, &b"x"[..]).unwrap();
    }
    let found = unpack("x.tar", &builder.into_inner().unwrap());
    assert_eq!(found.paths(), [r"x.tar!/\x2e\x2e/\x2e\x2e/etc/passwd", "x.tar!/a", "x.tar!/a#2"]);
}

#[test]
fn zip_entries_that_are_left_out_or_lie() {
    let entry = ZipEntry::new("a", b"alpha");
    let one = |entry: ZipEntry<'_>| unpack("x.zip", &zip_of(&[entry]));
    assert_eq!(*one(ZipEntry { flags: 1, ..entry.clone() }).only_left(), Why::Encrypted);
    assert_eq!(*one(ZipEntry { method: 14, ..entry.clone() }).only_left(), Why::Method("LZMA".into()));
    assert_eq!(*one(ZipEntry { method: 4711, ..entry.clone() }).only_left(), Why::Method("method 4711".into()));
    assert_eq!(*one(ZipEntry { mode: 0o120_777, ..entry.clone() }).only_left(), Why::Link(String::new()));
    assert!(one(ZipEntry { mode: 0o040_755, ..ZipEntry::new("d", b"") }).files.is_empty());
    // What is a folder, a device or a link only by its mode has bytes all the same.
    let long = [b'x'; 5000];
    for odd in [
        ZipEntry { mode: 0o040_755, ..entry.clone() },
        ZipEntry { mode: 0o020_644, ..entry.clone() },
        ZipEntry { name: b"a/", ..entry.clone() },
        ZipEntry { mode: 0o120_777, ..ZipEntry::new("a", &long) },
    ] {
        assert_eq!(one(odd).paths(), ["x.zip!/a"]);
    }
    for fine in [
        ZipEntry { method: STORED, ..entry.clone() },
        ZipEntry { method: 93, ..entry.clone() },
        ZipEntry { flags: 8, ..entry.clone() },
    ] {
        let found = one(fine);
        assert_eq!((found.text("x.zip!/a"), found.is_incomplete()), ("alpha".into(), false));
        assert_eq!(found.stats, [Some((0o644, 0, 0))]);
    }
    for lie in [
        ZipEntry { crc: Some(1), ..entry.clone() },
        ZipEntry { size: Some(2), ..entry.clone() },
        ZipEntry { size: Some(u32::MAX - 1), ..entry.clone() },
    ] {
        let found = one(lie);
        assert_eq!(found.text("x.zip!/a"), "alpha", "what comes out is scanned");
        assert_eq!(found.damage.len(), 1, "{found:?}");
    }
    assert!(one(ZipEntry { packed: Some(4), ..entry.clone() }).is_incomplete());
    assert!(one(ZipEntry { packed: Some(u32::MAX - 1), method: STORED, ..entry }).is_incomplete());
}

#[test]
fn a_zip_that_points_at_the_same_bytes_again_and_again() {
    let zeros = vec![0; 10 << 20];
    let mut entries = vec![ZipEntry::new("first", &zeros)];
    let names: Vec<String> = (0..500).map(|n| format!("{n}")).collect();
    entries.extend(names.iter().map(|name| ZipEntry {
        same_as_before: true,
        crc: Some(0),
        ..ZipEntry::new(name, &zeros)
    }));
    let found = unpack("bomb.zip", &zip_of(&entries));
    assert_eq!(found.paths(), ["bomb.zip!/first"]);
    assert_eq!(found.expanded, 10 << 20);
    assert_eq!(found.damage.len(), 1);
    assert!(found.damage[0].1.contains("and 499 more"), "{:?}", found.damage);
}

#[test]
fn an_archive_in_an_archive_of_many() {
    // As 42.zip: sixteen of sixteen of sixteen, each in the end a file of zeros. 16^4 files of 1 MiB would be 64 GiB.
    let mut inner = zip(&[("zeros", &vec![0; 1 << 20])]);
    for _ in 0..4 {
        let entry = ZipEntry { method: STORED, ..ZipEntry::new("", &inner) };
        let names: Vec<String> = (0..16).map(|n| format!("{n:x}.zip")).collect();
        let entries: Vec<_> = names.iter().map(|n| ZipEntry { name: n.as_bytes(), ..entry.clone() }).collect();
        let next = zip_of(&entries);
        inner = zip(&[("all.zip", &next)]);
        inner = if inner.len() < next.len() { inner } else { next };
    }
    let started = Instant::now();
    let found = unpack_with("42.zip", &inner, ArchiveLimits { depth: 20, ..ArchiveLimits::default() }, 16 << 20);
    assert!(matches!(found.limit, Some(Limit::Ratio(200) | Limit::Expanded(_))), "{:?}", found.limit);
    assert!(found.expanded <= (1 << 30) + PORTION as u64, "{}", found.expanded);
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

#[test]
fn streams_that_unpack_to_far_too_much() {
    let zeros = vec![0; 64 << 20];
    for (name, bytes) in [("a.gz", gzip(&zeros)), ("a.zst", zstd(&zeros)), ("a.tgz", gzip(&tar(&[("z", &zeros)])))] {
        let found = unpack(name, &bytes);
        assert_eq!(found.limit, Some(Limit::Ratio(200)), "{name}");
        assert!(found.expanded <= (32 << 20) + PORTION as u64, "{name}: {}", found.expanded);
        assert!(found.files.is_empty() && found.damage.is_empty(), "{name}: {:?}", found.damage);
    }
    let limits = ArchiveLimits { ratio: u64::MAX, expanded: 20 << 20, ..ArchiveLimits::default() };
    let found = unpack_with("a.gz", &gzip(&zeros), limits, 16 << 20);
    assert_eq!(found.limit, Some(Limit::Expanded(20 << 20)));
}

#[test]
fn a_hundred_archives_one_in_the_other() {
    let mut bytes = b"key".to_vec();
    for at in 0..100 {
        bytes = match at % 3 {
            0 => zip(&[("n", &bytes)]),
            1 => gzip(&bytes),
            _ => tar(&[("n", &bytes)]),
        };
    }
    let found = unpack("n", &bytes);
    assert_eq!(found.deep.len(), 1);
    assert!(found.deep[0].matches("!/").count() <= 8, "{:?}", found.deep);
}

#[test]
fn more_entries_than_anybody_packs() {
    let names: Vec<String> = (0..1500).map(|n| format!("{n}")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), b"".as_slice())).collect();
    for (name, bytes) in [("a.zip", zip(&files)), ("a.tar", tar(&files))] {
        let limits = ArchiveLimits { expanded: 1 << 30, ..SMALL };
        let found = unpack_with(name, &bytes, limits, 100);
        assert_eq!((found.files.len(), found.limit), (1000, Some(Limit::Entries(1000))), "{name}");
    }
}

#[test]
fn a_large_member_is_passed_over_and_the_next_one_found() {
    let large = noise(5000);
    for (name, bytes) in [
        ("a.zip", zip(&[("large", &large), ("b", b"beta")])),
        ("a.tar", tar(&[("large", &large), ("b", b"beta")])),
        ("a.tzst", zstd(&tar(&[("large", &large), ("b", b"beta")]))),
    ] {
        let found = unpack_with(name, &bytes, SMALL, 4999);
        assert_eq!(*found.only_left(), Why::TooLarge { size: 5000 }, "{name}");
        assert_eq!(found.paths(), [format!("{name}!/b")]);
        assert!(!found.is_incomplete(), "{found:?}");
    }
}

#[test]
fn links_and_devices_in_a_tar() {
    let mut builder = ::tar::Builder::new(Vec::new());
    let mut add = |kind: ::tar::EntryType, name: &str| {
        let mut header = ::tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(0);
        header.set_link_name("/etc/\u{1b}passwd").unwrap();
        header.set_path(name).unwrap();
        header.set_cksum();
        builder.append(&header, std::io::empty()).unwrap();
    };
    for (kind, name) in [
        (::tar::EntryType::Symlink, "s"),
        (::tar::EntryType::Link, "h"),
        (::tar::EntryType::Char, "c"),
        (::tar::EntryType::Fifo, "f"),
        (::tar::EntryType::Directory, "d"),
    ] {
        add(kind, name);
    }
    let found = unpack("x.tar", &builder.into_inner().unwrap());
    let left = |path: &str, why| Left { path: path.into(), why };
    let to = r"to /etc/\x1bpasswd";
    assert_eq!(
        found.left,
        [
            left("s", Why::Link(to.into())),
            left("h", Why::Link(format!("hard, {to}"))),
            left("c", Why::Special),
            left("f", Why::Special)
        ]
    );
    assert!(found.files.is_empty() && !found.is_incomplete(), "{found:?}");
}

/// A sparse file of the old GNU form: one part of data at `at`, holes around it.
fn sparse(at: u64, size: u64) -> Vec<u8> {
    let mut header = ::tar::Header::new_gnu();
    header.set_path("sparse").unwrap();
    header.set_entry_type(::tar::EntryType::GNUSparse);
    header.set_size(512);
    header.set_mode(0o600);
    let gnu = header.as_gnu_mut().unwrap();
    let octal = |number: u64| {
        let mut field = [0; 12];
        field[..11].copy_from_slice(format!("{number:011o}").as_bytes());
        field
    };
    (gnu.sparse[0].offset, gnu.sparse[0].numbytes) = (octal(at), octal(512));
    (gnu.sparse[1].offset, gnu.sparse[1].numbytes) = (octal(size), octal(0));
    gnu.realsize = octal(size);
    header.set_cksum();
    [header.as_bytes().as_slice(), &[b'k'; 512], &tar(&[("b", b"beta")])].concat()
}

#[test]
fn holes_of_a_sparse_file_are_paid_for() {
    let found = unpack("s.tar", &sparse(4096, 8192));
    assert_eq!(found.paths(), ["s.tar!/sparse", "s.tar!/b"]);
    assert_eq!(memchr::memchr_iter(b'k', &found.files[0].1).count(), 512);
    assert_eq!(found.files[0].1.len(), 8192);
    assert!(!found.is_incomplete(), "{found:?}");
    let found = unpack("s.tar", &sparse(1 << 32, 1 << 32 | 512));
    assert_eq!(found.limit, Some(Limit::Ratio(200)), "{:?}", found.damage);
}

#[test]
fn headers_that_never_end() {
    let long = "x=".repeat(2 << 20);
    let mut builder = ::tar::Builder::new(Vec::new());
    builder.append_pax_extensions([("comment", long.as_bytes())]).unwrap();
    let mut header = ::tar::Header::new_ustar();
    header.set_size(1);
    builder.append_data(&mut header, "a", &b"a"[..]).unwrap();
    let found = unpack("x.tgz", &gzip(&builder.into_inner().unwrap()));
    assert!(found.damage[0].1.contains("headers"), "{:?}", found.damage);
}

#[test]
fn pax_names_and_sizes_count() {
    let mut builder = ::tar::Builder::new(Vec::new());
    let long = format!("{}.txt", "d/".repeat(200));
    builder.append_pax_extensions([("path", long.as_bytes()), ("size", b"5")]).unwrap();
    let mut header = ::tar::Header::new_ustar();
    header.set_path("short").unwrap();
    header.set_size(5);
    header.set_cksum();
    builder.append(&header, &b"alpha"[..]).unwrap();
    let found = unpack("x.tar", &builder.into_inner().unwrap());
    assert_eq!(found.text(&format!("x.tar!/{long}")), "alpha");
}

#[test]
fn frames_and_members_one_after_the_other() {
    let gz = [gzip(b"one "), gzip(b"two"), vec![0; 40]].concat();
    assert_eq!(unpack("a.gz", &gz).text("a.gz!/a"), "one two");
    let skip = b"\x50\x2a\x4d\x18\x03\0\0\0abc".to_vec();
    let zst = [skip.clone(), zstd(b"one "), skip, zstd(b"two")].concat();
    let found = unpack("a.zst", &zst);
    assert_eq!(found.text("a.zst!/a"), "one two");
    assert!(!found.is_incomplete(), "{found:?}");
    let wrong = unpack("a.zst", &[zstd(b"one "), b"rubbish".to_vec()].concat());
    assert_eq!((wrong.text("a.zst!/a").as_str(), wrong.damage.len()), ("one ", 1));
}

#[test]
fn a_window_of_two_gigabytes_is_refused() {
    // A frame's header: no single segment, no checksum; the window's exponent is 31 - 10.
    let found = unpack("a.zst", &[0x28, 0xb5, 0x2f, 0xfd, 0, 21 << 3, 1, 0, 0]);
    assert_eq!(found.limit, Some(Limit::Window(1 << 31)), "{found:?}");
}

#[test]
fn what_is_cut_off_is_named_and_read_as_far_as_it_goes() {
    let text = noise(2000);
    let files: &[(&str, &[u8])] = &[("a", b"alpha"), ("b", &text), ("c", b"omega")];
    let open: Vec<_> = files.iter().map(|(n, b)| ZipEntry { flags: 8, ..ZipEntry::new(n, b) }).collect();
    for (name, bytes) in [
        ("x.zip", zip(files)),
        ("o.zip", zip_of(&open)),
        ("x.tar", tar(files)),
        ("x.tgz", gzip(&tar(files))),
        ("x.gz", gzip(&text)),
        ("x.zst", zstd(&text)),
        ("x.tzst", zstd(&tar(files))),
    ] {
        for end in (64..bytes.len()).step_by(64) {
            let cut = &bytes[..end];
            // A tar that ends after its first block of zeros ends well enough.
            let whole = name == "x.tar" && end >= bytes.len() - 1024 + 512;
            let found = unpack(name, cut);
            let known = recognise(cut, name).is_some();
            assert_eq!(found.is_incomplete(), known && !whole, "{name} cut at {end}: {found:?}");
            if end > 1500 && known && !matches!(name, "x.tgz" | "x.gz" | "x.zst" | "x.tzst") {
                assert_eq!(found.text(&format!("{name}!/a")), "alpha", "{name} cut at {end}");
            }
        }
    }
}

#[test]
fn a_header_that_promises_what_is_behind_the_end() {
    let mut bytes = zip_of(&[ZipEntry { method: STORED, ..ZipEntry::new("name", b"alpha") }]);
    bytes.truncate(34);
    // The length of the extra field, which is not there.
    bytes[28..30].copy_from_slice(&[0xff, 0xff]);
    let found = unpack("x.zip", &bytes);
    assert_eq!((found.damage.len(), found.paths()), (1, vec!["x.zip!/name"]));
}

#[test]
fn a_stream_that_is_cut_off_gives_what_came_before() {
    let text = (0..100_000).map(|n| format!("line {n}\n")).collect::<Vec<_>>().concat();
    for (name, bytes) in [("x.gz", gzip(text.as_bytes())), ("x.zst", zstd(text.as_bytes()))] {
        let found = unpack(name, &bytes[..bytes.len() - 20]);
        assert!(found.text(&format!("{name}!/x")).starts_with("line 0\nline 1\n"), "{name}");
        assert_eq!(found.damage.len(), 1);
    }
}

#[test]
fn who_takes_the_members_ends_it() {
    for (name, bytes) in good() {
        let budget = Budget::new(ArchiveLimits::default(), 1, &|| false);
        let mut count = 0;
        let format = recognise(&bytes, name).unwrap();
        let damage = expand(&Input::Bytes(&bytes), format, name, 1 << 20, &budget, &mut |_| {
            count += 1;
            ControlFlow::Break(())
        });
        assert_eq!((damage, count), (None, 1), "{name}");
        let budget = Budget::new(ArchiveLimits::default(), 1, &|| true);
        let damage = expand(&Input::Bytes(&bytes), format, name, 1 << 20, &budget, &mut |_| panic!("it is over"));
        assert_eq!((damage, budget.hit()), (None, Some(Limit::Stopped)), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bytes_behind_any_magic(start in 0_usize..6, bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let magic: &[u8] = [
            b"PK\x03\x04".as_slice(), b"PK\x05\x06", b"\x1f\x8b\x08\0", b"\x28\xb5\x2f\xfd", b"\x50\x2a\x4d\x18", b"",
        ][start];
        let found = unpack_with("x.zip", &[magic, &bytes].concat(), SMALL, 64 << 10);
        prop_assert!(found.expanded <= SMALL.expanded + PORTION as u64);
    }

    #[test]
    fn good_archives_with_some_bytes_changed(
        which in 0_usize..7,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let (name, mut bytes) = good().swap_remove(which);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let found = unpack_with(name, &bytes, SMALL, 64 << 10);
        prop_assert!(found.expanded <= SMALL.expanded + PORTION as u64);
        for (path, _) in &found.files {
            prop_assert!(path.split('/').all(|part| !matches!(part, "" | "." | "..")), "{}", path);
        }
    }
}
