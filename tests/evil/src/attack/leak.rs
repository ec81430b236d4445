//! Repeats what it read in every place that it can write to, in the hope that one is not masked.

use scanhost_plugin::{
    Attachment, Edit, Error, Extent, File, FileLocation, Fix, Level, Location, Measurement, Package, Report, Span,
};

use super::List;
use crate::Evil;

/// See the module.
pub const ALL: List = &[
    ("leak", |evil, file, report| repeat(evil, file, report, &text(file)?)),
    // The same, and then it dies: logs are kept whatever becomes of a call.
    ("leak-and-die", |evil, file, report| {
        repeat(evil, file, report, &text(file)?)?;
        panic!("{}", text(file)?);
    }),
    ("leak-in-error", |_, file, _| Err(Error::Failed(text(file)?))),
    ("leak-in-rule", |_, file, report| {
        report.finding(scanhost_plugin::Finding::new(text(file)?, scanhost_plugin::Confidence::High, "x"));
        Ok(())
    }),
    ("leak-in-purl", |_, file, report| {
        let purl = text(file)?;
        let (locations, licences, path) = (Vec::new(), Vec::new(), Vec::new());
        report.package(Package { purl, locations, licences, path, scope: String::new(), labels: Vec::new() });
        Ok(())
    }),
    ("leak-granted", |evil, file, report| {
        let other = File::open("other.txt")?;
        repeat(evil, file, report, &text(&other)?)
    }),
    // Calls it a secret itself, and says it all the same.
    ("leak-own", |evil, file, report| {
        let all = text(file)?;
        let at = all.find("own-").unwrap_or(0);
        let secret: String = all[at..].chars().take_while(|c| !c.is_whitespace()).collect();
        let span = at..at + secret.len();
        let finding =
            scanhost_plugin::Finding::new(evil.rule("secret"), scanhost_plugin::Confidence::High, all.clone());
        report.finding(finding.at(file, span).secret(secret.clone()));
        repeat(evil, file, report, &all)
    }),
];

fn text(file: &File) -> Result<String, Error> {
    Ok(String::from_utf8_lossy(&file.read_all()?).into_owned())
}

/// Everywhere.
fn repeat(evil: &Evil, file: &File, report: &mut Report, text: &str) -> Result<(), Error> {
    for line in text.lines() {
        report.log(Level::Error, line);
        eprintln!("{line}");
        println!("{line}");
        report.progress(1, 2, line);
        report.unscanned(line, line);
    }
    let owned = || text.to_owned();
    let attachment =
        report.attach(Attachment { name: owned(), media_type: owned(), body: text.as_bytes().to_vec() })?;
    let mut finding = evil
        .note(file, text)
        .logical(text)
        .subject(text)
        .label(text, text)
        .related(Location::Endpoint(owned(), owned()), text)
        .related(Location::Package(owned(), owned()), text)
        .related(Location::Other(owned(), owned()), text)
        .attachment(attachment);
    let span = Span { offset: 0, len: 1 };
    finding.fix = Some(Fix { title: owned(), edits: vec![Edit { path: owned(), span, replacement: "x".into() }] });
    report.finding(finding);
    // Other places: no excerpt of a file, all of it the guest's own words.
    for primary in [
        Location::Endpoint(owned(), owned()),
        Location::Package(owned(), owned()),
        Location::Model(owned()),
        Location::Other(owned(), owned()),
        Location::File(FileLocation { path: owned(), extent: Extent::Whole, logical: Some(owned()) }),
    ] {
        report.finding(evil.note(file, text).located(primary));
    }
    report.package(Package {
        purl: format!("pkg:generic/{text}"),
        locations: vec![FileLocation { path: owned(), extent: Extent::Whole, logical: Some(owned()) }],
        licences: vec![owned()],
        path: vec![owned()],
        scope: owned(),
        labels: vec![(owned(), owned())],
    });
    report.measurement(Measurement {
        name: owned(),
        labels: vec![(owned(), owned())],
        value: 1.0,
        unit: owned(),
        trials: 1,
        lower95: None,
        upper95: None,
    });
    Ok(())
}
