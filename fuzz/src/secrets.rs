//! The secrets engine, with the anchors that the test kit and the host's router find.

use std::cell::RefCell;
use std::path::Path;

use scanhost_plugin::Anchor;
use scanhost_plugin::testkit::{AnchorFinder, load_dir};
use scanhost_secrets::{ANCHORS, Engine, Via};

use crate::router::{AnchorSet, Builder, Hit, Hits};

const PATHS: [&str; 8] =
    ["a.py", ".env", "README.md", "Cargo.lock", "tests/a.rs", "deploy/values.yaml", "", "a/../\u{202e}\n.json"];

struct Scanner {
    engine: Engine,
    finder: AnchorFinder,
    router: AnchorSet,
}

thread_local! {
    // Compiled regexes are kept from one input to the next, as in an instance that sees many files.
    static SCANNER: RefCell<Scanner> = RefCell::new(Scanner::new());
}

/// Any bytes as they are, in UTF-16 and in base64, and with anchors that are not there.
pub fn secrets_scan(data: &[u8]) {
    let Some((&first, rest)) = data.split_first() else { return };
    let path = PATHS[usize::from(first) % PATHS.len()];
    SCANNER.with_borrow_mut(|scanner| {
        scanner.scan(rest, path);
        match first / 8 % 4 {
            0 => scanner.scan(&rest.iter().flat_map(|&b| [b, 0]).collect::<Vec<u8>>(), path),
            1 => scanner.scan(&rest.iter().flat_map(|&b| [0, b]).collect::<Vec<u8>>(), path),
            2 => scanner.scan(&crate::base64(rest), path),
            _ => {
                let lies: Vec<Anchor> = rest
                    .chunks_exact(4)
                    .map(|four| Anchor {
                        id: u32::from(u16::from_le_bytes([four[0], four[1]])) % (ANCHORS.len() as u32 + 2),
                        offset: u64::from(u16::from_le_bytes([four[2], four[3]])) % (rest.len() as u64 + 3),
                    })
                    .collect();
                scanner.check(rest, &lies, path);
            }
        }
    });
}

impl Scanner {
    fn new() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins/secrets");
        let manifest = load_dir(&root).expect("the manifest loads");
        let mut router = Builder::default();
        for (id, anchor) in manifest.anchors.iter().enumerate() {
            router.add(0, id as u32, anchor);
        }
        Self { engine: Engine::new(), finder: AnchorFinder::new(&manifest.anchors), router: router.build() }
    }

    fn scan(&mut self, bytes: &[u8], path: &str) {
        let anchors = self.finder.find(bytes);
        self.check(bytes, &anchors, path);
        // The kit also knows base64 of the alphabet for URLs, and looks for UTF-16 only where there is a NUL.
        let mut hits = Hits::default();
        self.router.find(bytes, &mut hits);
        let known = |hit: &Hit| anchors.binary_search_by_key(&(hit.offset, hit.anchor), |a| (a.offset, a.id)).is_ok();
        if let Some(odd) = hits.of(0).iter().find(|hit| !known(hit)) {
            panic!("the router alone sees {:?} at {}", ANCHORS[odd.anchor as usize].text, odd.offset);
        }
    }

    fn check(&mut self, bytes: &[u8], anchors: &[Anchor], path: &str) {
        let mut end = 0;
        for one in self.engine.scan(bytes, anchors, path) {
            assert!(one.span.start >= end && one.span.start < one.span.end && one.span.end <= bytes.len(), "{one:?}");
            assert!(!one.secret.is_empty(), "{one:?}");
            if one.via == Via::Plain {
                assert_eq!(one.secret, &bytes[one.span.clone()]);
            }
            end = one.span.end;
        }
    }
}
