//! The words that speak for or against a secret. Blank-separated, because one word a line would hide the
//! code that uses them; split once, when they are first needed. How they are used is in `judge`.

use std::sync::LazyLock;

/// Words, split.
type List = LazyLock<Vec<&'static [u8]>>;

/// Words that no random text holds by chance.
pub static FILLER: List = List::new(|| {
    split(
        "\
    example placeholder changeme change_me change-me redacted dummy your_ your- yourtoken yourkey \
    yourapi yoursecret yourpass xxxxx insert replace sample notreal not_real not-real invalid foobar \
    asdfg lorem blahblah deadbeef todo fixme <your fake_ fake- _here -here goes_here abcdef123 123abc \
    mock_ mock- ***** ....",
    )
});

/// More words, for values that only their name gives away.
pub static WORDS: List = List::new(|| {
    split(
        "\
    test demo fake mock stub default none null undefined string value secret token passw passphrase \
    apikey api_key username hello enter optional required foo bar qux hidden unknown private public \
    simple temp random something whatever my- my_ mypass admin root qwerty letmein",
    )
});

/// What the rest of a name says against it being a secret: `token_type`, `passwordField`.
pub static AGAINST_BEHIND: List = List::new(|| {
    split(
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
    )
});

/// What anywhere in a name says against it.
pub static AGAINST_WITHIN: List = List::new(|| {
    split(
        "\
    public checksum digest integrity fingerprint thumbprint placeholder example encrypted sealed key_id \
    keyid next_token nexttoken pagetoken page_token publishable sitekey site_key sha1 sha256 sha512 md5 \
    _hash hash_ commit etag cancel continuation i18n label translat instrumentation tokenization hashed \
    public_key publickey dummy fake sync_token",
    )
});

/// What a text holds that stands for a value from elsewhere, as written.
pub static REFERENCES: List = List::new(|| {
    split(
        "\
    ${ {{ }} $( #{ <% %{ %( process.env os.environ getenv arn:aws op:// vault: ENC[ %s %v %d {} {0} @@ \
    @{ [[ secrets. env. var. ssm: secretsmanager keyvault ref+ base64: file: env: %@ env( {%",
    )
});

/// What a text holds that is code or a pattern, as written.
pub static CODE: List = List::new(|| {
    split(
        "\
    () => :: -> \\d \\w \\s [a-z [A-Z [0-9 .* .+ && || =\" =' (? </ /> [^ (); \\x \\u \\0",
    )
});

fn split(words: &'static str) -> Vec<&'static [u8]> {
    words.split_ascii_whitespace().map(str::as_bytes).collect()
}
