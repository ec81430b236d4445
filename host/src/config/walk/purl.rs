//! The shape of a package URL, `pkg:type/namespace/name@version?qualifiers#subpath`. What it selects is not known
//! here; this only keeps one from standing in a policy that no package can have.

/// Longest package URL, in bytes.
const MAX_BYTES: usize = 500;

/// What is wrong with it, in words that follow its text.
pub(super) fn check_purl(text: &str) -> Result<(), &'static str> {
    if text.len() > MAX_BYTES {
        return Err("it is too long");
    }
    let Some(rest) = text.strip_prefix("pkg:") else { return Err("it has to start with `pkg:`") };
    if !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err("spaces and other characters have to be percent-encoded");
    }
    if !percent_encoded(text) {
        return Err("`%` has to be followed by two hexadecimal digits");
    }
    // From the right, as the specification has it: each separator may stand in what is left of it.
    let (rest, subpath) = rest.rsplit_once('#').map_or((rest, None), |(rest, part)| (rest, Some(part)));
    let (rest, qualifiers) = rest.rsplit_once('?').map_or((rest, None), |(rest, part)| (rest, Some(part)));
    let Some((kind, path)) = rest.split_once('/') else { return Err("it has to name a type and a package") };
    let of_type = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+');
    if !kind.starts_with(|c: char| c.is_ascii_lowercase()) || !kind.bytes().all(of_type) {
        return Err("the type, as in `pypi`, has lower-case letters and digits only");
    }
    // A scope's own `@` comes before a slash: `pkg:npm/@types/node`.
    let (names, version) = match path.rfind('@') {
        Some(at) if at > 0 && !path[at..].contains('/') => (&path[..at], Some(&path[at + 1..])),
        _ => (path, None),
    };
    if names.split('/').any(|part| part.is_empty() || part == "." || part == "..") {
        return Err("a part of the name is empty");
    }
    if names.ends_with('@') || version.is_some_and(str::is_empty) {
        return Err("the version is empty");
    }
    let pair = |pair: &str| pair.split_once('=').is_some_and(|(key, value)| !key.is_empty() && !value.is_empty());
    if qualifiers.is_some_and(|all| !all.split('&').all(pair)) {
        return Err("qualifiers are written `?key=value&key=value`");
    }
    if subpath.is_some_and(str::is_empty) {
        return Err("the part after `#` is empty");
    }
    Ok(())
}

fn percent_encoded(text: &str) -> bool {
    text.split('%')
        .skip(1)
        .all(|after| after.as_bytes().get(..2).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn packages_of_every_kind() {
        for good in [
            "pkg:pypi/requests",
            "pkg:pypi/requests@2.31.0",
            "pkg:npm/%40types/node@20.1.0",
            "pkg:npm/@types/node@20.1.0",
            "pkg:npm/@types/node",
            "pkg:golang/github.com/gorilla/mux@v1.8.0",
            "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1",
            "pkg:deb/debian/openssl@3.0.11-1~deb12u2?arch=amd64&distro=debian-12",
            "pkg:golang/google.golang.org/genproto#googleapis/api/annotations",
            "pkg:cargo/serde@1.0.0+build",
        ] {
            assert_eq!(check_purl(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn what_no_package_has() {
        let long = format!("pkg:pypi/{}", "a".repeat(MAX_BYTES));
        for bad in [
            "",
            "requests",
            "pkg:",
            "pkg:pypi",
            "pkg:pypi/",
            "pkg:/requests",
            "pkg:PyPI/requests",
            "pkg:py pi/x",
            "pkg:pypi/a b",
            "pkg:pypi/requests@",
            "pkg:pypi//requests",
            "pkg:pypi/../x",
            "pkg:pypi/x%4",
            "pkg:pypi/x%zz",
            "pkg:pypi/x?arch",
            "pkg:pypi/x?=1",
            "pkg:pypi/x#",
            "pkg:pypi/é",
            "pkg:3d/x",
            "pkg:pypi/@",
            &long,
        ] {
            assert!(check_purl(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_judged(text in any::<String>(), parts in "[a@/%?#=&:.\u{e9}]{0,20}") {
            let _ = check_purl(&text);
            let _ = check_purl(&format!("pkg:{parts}"));
        }
    }
}
