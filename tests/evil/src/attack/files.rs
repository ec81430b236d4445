//! Opens and keeps what it should not.

use scanhost_plugin::{File, Report};

use super::List;
use crate::Evil;

/// See the module.
pub const ALL: List = &[
    ("reach", |evil, file, report| {
        let own = file.path();
        for path in [
            "../../etc/passwd",
            "/etc/passwd",
            "../secret.txt",
            "ungranted.txt",
            "granted/../ungranted.txt",
            "granted/ok.txt",
            "granted/missing.txt",
            "granted/link",
            "granted/folder",
            "",
            ".",
            "..",
            "granted/\0",
            "granted/\n\u{1b}[31m",
            ".git/config",
            &"granted/a/".repeat(2000),
        ] {
            tell(evil, file, report, path, File::open(path));
        }
        for path in ["../../../../etc/passwd", "granted/ok.txt", &own] {
            tell(evil, file, report, &format!("sibling {path}"), file.sibling(path));
        }
        Ok(())
    }),
    // A handle of one call, used in the next.
    ("keep", |evil, file, report| {
        if let Some(kept) = evil.kept.pop() {
            let size = kept.size();
            report.finding(evil.note(file, format!("kept a handle to {size} bytes")));
            return Ok(());
        }
        evil.kept.push(File::open(&file.path())?);
        Ok(())
    }),
    ("hoard", |evil, file, report| {
        let mut files = Vec::new();
        let error = loop {
            match File::open(&file.path()) {
                Ok(file) => files.push(file),
                Err(error) => break error,
            }
        };
        report.finding(evil.note(file, format!("opened {}: {error}", files.len())));
        Ok(())
    }),
    ("far", |evil, file, report| {
        let mut got = Vec::new();
        for (offset, len) in
            [(u64::MAX, u32::MAX), (u64::MAX - 1, 1), (u64::MAX, 0), (file.size(), u32::MAX), (0, 0), (1, 1)]
        {
            got.push(file.read(offset, len)?.len().to_string());
        }
        let anchors = file.anchors_from(u32::MAX, u32::MAX).len() + file.anchors_from(0, u32::MAX).len();
        report.finding(evil.note(file, format!("read {}; {anchors} anchors", got.join(" "))));
        Ok(())
    }),
];

fn tell(evil: &Evil, file: &File, report: &mut Report, path: &str, result: Result<File, scanhost_plugin::Error>) {
    let shown: String = path.chars().take(40).collect();
    let message = match result {
        Ok(opened) => format!("OPENED {shown}: {} bytes", opened.size()),
        Err(error) => format!("{shown}: {error}"),
    };
    report.finding(evil.note(file, message.clone()).subject(message));
}
