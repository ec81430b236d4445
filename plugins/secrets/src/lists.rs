//! The words that speak for or against a secret. Blank-separated, because one word a line would hide the
//! code that uses them; how they are used is in `judge`.

/// Words that no random text holds by chance.
pub static FILLER: Words = Words::new(
    "\
    example placeholder changeme change_me change-me redacted dummy your_ your- yourtoken yourkey \
    yourapi yoursecret yourpass xxxxx insert replace sample notreal not_real not-real invalid foobar \
    asdfg lorem blahblah deadbeef todo fixme <your fake_ fake- _here -here goes_here abcdef123 123abc \
    mock_ mock- ***** ...",
    true,
);

/// More words, for values that only their name gives away.
pub static WORDS: Words = Words::new(
    "\
    test demo fake mock stub default none null undefined string value secret token passw passphrase \
    apikey api_key username hello enter optional required foo bar qux hidden unknown private public \
    simple temp random something whatever my- my_ mypass admin root qwerty letmein",
    true,
);

/// What the rest of a name says against it being a secret: `token_type`, `passwordField`.
pub static AGAINST_BEHIND: Words = Words::new(
    "\
    id ids name names file filename path url uri type types field fields len length size count exp \
    expiry expires expiration ttl version arn ref label hint policy regex regexp pattern prefix suffix \
    format header param parameter endpoint izer ize ized ization placeholder message msg error \
    description desc title icon class css column table kind enum status state algorithm alg index \
    idx pos span env var schema manager provider store location dir folder bucket scope scopes \
    audience issuer required enabled strength min max validator list map set mode source method input \
    selector xpath form prompt tooltip link href page view template hash digest checksum fingerprint \
    rule charset chars alphabet separator delimiter usage help docs example request response \
    handler callback listener event action less aux iv slot bits cmd command attr attribute \
    property tag tags lists node tree parser option encryption encoding hashing cipher",
    true,
);

/// What anywhere in a name says against it.
pub static AGAINST_WITHIN: Words = Words::new(
    "\
    public checksum digest integrity fingerprint thumbprint placeholder example encrypted sealed key_id \
    keyid next_token nexttoken pagetoken page_token publishable sitekey site_key sha1 sha256 sha512 md5 \
    _hash hash_ commit etag cancel continuation i18n label translat instrumentation tokenization hashed \
    public_key publickey dummy fake sync_token idempot client_token client-token clienttoken starting_token \
    starting-token startingtoken next-token page-token change_token change-token changetoken lock_token lock-token \
    locktoken update_token updatetoken update-token purchasetoken lifecycle cache_key cache-key cachekey ciphertext \
    cursor materialid material_id material-id",
    true,
);

/// What makes a name say that it holds a secret, whatever the value looks like.
pub static INSISTING: Words = Words::new("secret passw api auth", true);

/// What a text holds that stands for a value from elsewhere, as written.
pub static REFERENCES: Words = Words::new(
    "\
    ${ {{ }} $( #{ <% %{ %( process.env os.environ getenv arn:aws op:// vault: ENC[ %s %v %d {} {0} @@ \
    @{ [[ secrets. env. var. ssm: secretsmanager keyvault ref+ base64: file: env: %@ env( {%",
    false,
);

/// What a text holds that is code or a pattern, as written.
pub static CODE: Words = Words::new(
    "\
    () => :: -> \\d \\w \\s [a-z [A-Z [0-9 .* .+ && || =\" =' (? </ /> [^ (); \\x \\u \\0",
    false,
);

/// No word.
const NONE: u8 = u8::MAX;

/// Words that are looked for anywhere in a text, in one pass: a value of five hundred bytes is asked about
/// more than a hundred words, and a hostile file is made of such values. All words have two bytes or more.
#[derive(Debug)]
pub struct Words {
    list: &'static [u8],
    ignore_case: bool,
    /// For each hash of two bytes the first word that begins with such a pair.
    heads: [u8; 256],
    /// For each word the next one of the same hash, and where it stands in the list.
    next: [u8; 160],
    spans: [(u16, u16); 160],
}

impl Words {
    /// Runs at compile time: a list that is too long does not compile.
    const fn new(list: &'static str, ignore_case: bool) -> Self {
        let list = list.as_bytes();
        let mut words = Self { list, ignore_case, heads: [NONE; 256], next: [NONE; 160], spans: [(0, 0); 160] };
        let mut count = 0;
        let mut start = 0;
        while start < list.len() {
            let mut end = start;
            while end < list.len() && list[end] != b' ' {
                end += 1;
            }
            if end > start {
                let slot = slot(list[start], list[start + 1], ignore_case);
                words.next[count] = words.heads[slot];
                words.heads[slot] = count as u8;
                words.spans[count] = (start as u16, end as u16);
                count += 1;
            }
            start = end + 1;
        }
        words
    }

    /// Whether the text holds one of them.
    pub fn within(&self, text: &[u8]) -> bool {
        (1..text.len()).any(|end| self.starts(&text[end - 1..], false))
    }

    /// Whether the text is one of them.
    pub fn has(&self, text: &[u8]) -> bool {
        self.starts(text, true)
    }

    #[inline]
    fn starts(&self, text: &[u8], whole: bool) -> bool {
        let [first, second, ..] = text else { return false };
        let mut at = self.heads[slot(*first, *second, self.ignore_case)];
        while at != NONE {
            let (start, end) = self.spans[usize::from(at)];
            let word = &self.list[usize::from(start)..usize::from(end)];
            if let Some(begin) = text.get(..word.len())
                && (!whole || text.len() == word.len())
                && if self.ignore_case { begin.eq_ignore_ascii_case(word) } else { begin == word }
            {
                return true;
            }
            at = self.next[usize::from(at)];
        }
        false
    }
}

#[inline]
const fn slot(first: u8, second: u8, ignore_case: bool) -> usize {
    // Sets bit 5, which tells the cases apart; what else falls together is told apart by comparing.
    let fold = if ignore_case { 0x20 } else { 0 };
    (((first | fold) as usize * 37) ^ ((second | fold) as usize * 5)) % 256
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_is_seen_wherever_it_stands() {
        for words in [&FILLER, &WORDS, &AGAINST_BEHIND, &AGAINST_WITHIN, &REFERENCES, &CODE] {
            let list = std::str::from_utf8(words.list).expect("it was a text");
            for word in list.split_ascii_whitespace() {
                for text in [word.to_owned(), format!("~{word}"), format!("~~{word}~")] {
                    assert!(words.within(text.as_bytes()), "{text}");
                }
                assert!(words.has(word.as_bytes()) && !words.has(format!("{word}~").as_bytes()), "{word}");
                assert!(words.within(word.to_ascii_uppercase().as_bytes()) || !words.ignore_case, "{word}");
            }
            assert!(!words.within(b"") && !words.within(b"~") && !words.within(b"~~~"));
        }
    }
}
