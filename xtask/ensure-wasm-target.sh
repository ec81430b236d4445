#!/usr/bin/env bash
# Builds the standard library of wasm32-wasip2 from Debian's sources and puts it into the sysroot of the
# compiler in use, for machines on which `rustup target add` is refused. `cargo xtask setup` calls it as
# the last resort; run by hand it does the same, and nothing when the target works already.
#
# Everything comes from the Debian mirror that this machine's apt already uses, through a private apt
# directory; apt checks the signature (InRelease against the keyring) and the hashes. Nothing is
# installed with dpkg, and the machine's own apt state is neither read nor written.
#
#   RUSTC, CARGO        the compiler and its cargo, when not the ones that PATH leads to
#   ARCHIVE_KEYRING     the archive's keyring, when not the one that apt's sources name
set -euo pipefail
export LC_ALL=C
target=wasm32-wasip2
say() { printf '%s\n' "ensure-wasm-target: $*" >&2; }
die() { say "error: $*"; exit 1; }

# ---- 1. The compiler that the *current directory* selects, asked before leaving it, and the real one:
# rustup's proxy would choose again in every directory that this script enters.
rustc=${RUSTC:-rustc}
sysroot=$("$rustc" --print sysroot) || die "no rustc"
[ ! -x "$sysroot/bin/rustc" ] || rustc=$sysroot/bin/rustc
cargo=${CARGO:-cargo}
[ ! -x "$sysroot/bin/cargo" ] || cargo=$sysroot/bin/cargo
version=$("$rustc" -vV)
field() { sed -n "s/^$1: //p" <<<"$version"; }
release=$(field release) hash=$(field commit-hash)
say "rustc $release ($hash)"

work=$(mktemp -d "${TMPDIR:-/tmp}/ensure-wasm.XXXXXX")
chmod 755 "$work"                             # apt downloads as a user of its own
srclink=
cleanup() {
    [ -z "$srclink" ] || rm -f "$srclink"
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# What a developer's shell or a calling cargo sets must not reach the builds below: flags and wrappers
# change what is built, a profile can turn the bitcode off again.
clean() {
    local name
    local -a unset=()
    while IFS= read -r name; do unset+=(-u "$name"); done < <(compgen -e | grep -E \
        '^(RUSTFLAGS|CARGO_ENCODED_RUSTFLAGS|RUSTC_WRAPPER|RUSTC_WORKSPACE_WRAPPER|CARGO_BUILD_.*|CARGO_TARGET_.*|CARGO_PROFILE_.*|CARGO_UNSTABLE_.*|RUSTUP_TOOLCHAIN|RUSTC_BOOTSTRAP|CARGO_INCREMENTAL)$' || true)
    env "${unset[@]}" RUSTC="$rustc" CARGO="$cargo" RUSTC_WRAPPER= "$@"
}

# ---- 2. Is it there? The compiler is asked, not the file system: a std that an older compiler left in
# the same toolchain directory (rustup keeps files that it does not know) is there and fails with E0514.
# Fat LTO, because that is how plugins are built and what a std without bitcode fails at.
works() {
    clean "$rustc" --target $target --edition 2024 --crate-type cdylib -O -Clto=fat -Cpanic=abort -o "$work/probe.wasm" - \
        <<<'#[unsafe(no_mangle)] pub extern "C" fn probe(n: usize) -> usize { std::env::args().count() + n }' \
        >"$work/probe.log" 2>&1 &&
        [ "$(od -An -tx1 -N8 "$work/probe.wasm" | tr -d ' \n')" = 0061736d0d000100 ]      # a component, no bare module
}

exec 9<"$sysroot/lib/rustlib"
flock 9                                       # two set-ups at once: the second finds it done
if works; then say "$target works already"; exit 0; fi
grep -m1 -E '^error' "$work/probe.log" >&2 || true
[ -w "$sysroot/lib/rustlib" ] || die "the toolchain's directory is not writable; install $target with your package manager"
[[ $release =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || die "no Debian package holds the sources of rustc $release"
for tool in apt-get apt-cache dpkg-deb awk flock tar; do command -v $tool >/dev/null || die "\`$tool\` is needed"; done
. /etc/os-release
[ "${ID:-}" = debian ] || die "only Debian's archive is known here, this is ${ID:-an unknown system}"

# ---- 3. The mirror: apt parses its own sources, both formats, and needs no index for it.
mkdir -p "$work/none/partial"
base=$(apt-get update --print-uris -o Dir::State::lists="$work/none" -o Debug::NoLocking=1 2>/dev/null |
    sed -nE "s#^'(.*)/dists/$VERSION_CODENAME/InRelease'.*#\1#p" | head -1)
[ -n "$base" ] || die "apt has no source for $VERSION_CODENAME"
# Its keyring: Signed-By of that source, else the archive's keyring, else apt's own trust store.
keyring=${ARCHIVE_KEYRING:-$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
    sed -nE 's#^ *Signed-By: *(/[^ ,]+).*#\1#Ip; s#^deb .*signed-by=(/[^] ,]+).*#\1#p' |
    grep -F debian-archive | head -1 || true)}
[ -n "$keyring" ] || keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -r "$keyring" ] || keyring=
say "using this machine's Debian mirror; keyring: ${keyring:-the trust store of apt}"

# A private apt: own lists, cache, status and sources; keys, proxy and credentials stay the machine's.
a=$work/apt
mkdir -p "$a/lists/partial" "$a/cache/archives/partial" "$a/sources" "$a/dl"
: >"$a/status"
if [ "$(id -u)" = 0 ] && id _apt >/dev/null 2>&1; then chown _apt "$a/dl" "$a/lists/partial" "$a/cache/archives/partial"; fi
apt_options=(-q -o Dir::State="$a" -o Dir::State::lists="$a/lists" -o Dir::State::status="$a/status" -o Dir::Cache="$a/cache"
    -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$a/sources"
    -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null
    -o Acquire::Languages=none -o Acquire::Retries=3 -o APT::Get::List-Cleanup=false
    -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false
    -o Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false
    -o APT::Get::AllowUnauthenticated=false -o Acquire::AllowInsecureRepositories=false
    -o Acquire::AllowWeakRepositories=false -o Acquire::AllowDowngradeToInsecureRepositories=false)

# The first version of package $1 whose upstream part is $2 (any, when empty), in what was read so far.
version_of() {
    apt-cache "${apt_options[@]}" madison "$1" 2>/dev/null | awk -F' *\\| *' -v want="$2" '
        { v = $2; u = v; sub(/^[0-9]+:/, "", u); sub(/[-+~].*/, "", u); if (want == "" || u == want) { print v; exit } }'
}

# ---- 4. The packages: rust-src of *exactly* this compiler's version, and a wasi-libc new enough to hold
# the target. Backports first, their index is a thousandth of sid's. Code names before the aliases: a
# caching mirror was seen to hold an expired copy under an alias.
need_src=1
[ ! -e "$sysroot/lib/rustlib/src/rust/library/Cargo.lock" ] || need_src=     # rustup's own rust-src
suites=() newer=
for name in bookworm trixie forky duke; do
    [ -z "$newer" ] || suites+=("$name-backports" "$name")
    [ "$name" != "$VERSION_CODENAME" ] || { newer=1; suites+=("$name-backports"); }
done
suites+=(sid experimental stable-backports stable testing unstable)
found=
for suite in "${suites[@]}"; do
    rm -rf "$a"/sources/* "$a"/lists/*_* "$a"/dl/* "$work/x"
    {
        printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\n' "$base" "$suite"
        [ -z "$keyring" ] || printf 'Signed-By: %s\n' "$keyring"
    } >"$a/sources/one.sources"
    # A signature that cannot be verified ends in an exit status or in a warning, by the apt's version.
    if ! apt-get "${apt_options[@]}" update >"$a/update.log" 2>&1 ||
        grep -qE '^[WE]: .*(NO_PUBKEY|not signed|EXPKEYSIG|BADSIG|not valid|verification)' "$a/update.log"; then
        # The message names the mirror; which one is this machine's affair and goes into no log.
        say "$suite: $(grep -m1 -E '^[WE]:' "$a/update.log" | sed -E 's#[a-z]+://[^ ]+#the mirror#g' || echo unusable)"; continue
    fi
    srcver=$(version_of rust-src "$release") libcver=$(version_of wasi-libc "")
    if [ -n "$need_src" ] && [ -z "$srcver" ]; then say "$suite: no rust-src $release"; continue; fi
    if [ -z "$libcver" ]; then say "$suite: no wasi-libc"; continue; fi
    say "$suite: rust-src ${srcver:-(installed)}, wasi-libc $libcver"
    want=("wasi-libc=$libcver"); [ -z "$need_src" ] || want+=("rust-src=$srcver")
    (cd "$a/dl" && apt-get "${apt_options[@]}" download "${want[@]}" >"$a/download.log" 2>&1) || { say "$suite: the download failed"; continue; }
    mkdir -p "$work/x"
    for deb in "$a"/dl/*.deb; do              # each holds one of the two folders, tar complains about the other
        dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$work/x" --no-same-owner --wildcards \
            './usr/src/rustc-*/library' "./usr/lib/$target" 2>"$a/tar.log" || true
    done
    [ -e "$work/x/usr/lib/$target/libc.a" ] || { say "$suite: wasi-libc $libcver is too old for $target"; continue; }
    found=1; break
done
[ -n "$found" ] || die "no suite of this mirror holds rust-src $release together with a wasi-libc for $target"
libc=$work/x/usr/lib/$target

# ---- 5. Build std. cargo looks for its sources at one place only, so they are linked there meanwhile.
if [ -n "$need_src" ]; then
    library=$(echo "$work"/x/usr/src/rustc-*/library)
    [ -e "$library/Cargo.lock" ] || die "rust-src $srcver holds no library/Cargo.lock"
    mkdir -p "$sysroot/lib/rustlib/src"
    srclink=$sysroot/lib/rustlib/src/rust
    [ ! -L "$srclink" ] || rm "$srclink"      # a dangling one, of a set-up that was killed
    ln -s "$(dirname "$library")" "$srclink"
fi
seed=$work/seed
mkdir -p "$seed/src"; : >"$seed/src/lib.rs"
printf '[package]\nname = "stdseed"\nversion = "0.0.0"\nedition = "2021"\n[workspace]\n' >"$seed/Cargo.toml"
# As in the distributed std: bitcode for LTO, and no path of this machine (panic messages carry them).
home=${CARGO_HOME:-$HOME/.cargo} sep=$'\x1f'
flags="-Cembed-bitcode=yes${sep}--remap-path-prefix=$sysroot/lib/rustlib/src/rust=/rustc/$hash"
flags+="${sep}--remap-path-prefix=$home/registry/src=/rust/deps"
say "building std …"
started=$SECONDS
(cd "$seed" && clean RUSTC_BOOTSTRAP=1 CARGO_ENCODED_RUSTFLAGS="$flags" CARGO_TARGET_DIR="$seed/target" CARGO_INCREMENTAL=0 \
    "$cargo" build --quiet --release --target $target -Zbuild-std=std,panic_abort,test) || die "std did not build"
say "std built in $((SECONDS - started)) s"

# ---- 6. Put it in place whole: two std side by side give E0464.
new=$sysroot/lib/rustlib/.$target.new
rm -rf "$new"; mkdir -p "$new/lib/self-contained"
cp "$seed/target/$target/release/deps"/lib*.rlib "$new/lib/"
rm -f "$new"/lib/libstdseed-*.rlib
cp "$libc"/crt1-command.o "$libc"/crt1-reactor.o "$libc"/libc.a "$new/lib/self-contained/"
echo "built from rust-src ${srcver:-installed} and wasi-libc $libcver for rustc $release $hash" >"$new/lib/BUILT-FROM-SOURCE"
rm -rf "${sysroot:?}/lib/rustlib/$target"
mv -T "$new" "$sysroot/lib/rustlib/$target"
[ -z "$srclink" ] || { rm -f "$srclink"; srclink=; rmdir "$sysroot/lib/rustlib/src" 2>/dev/null || true; }

works || { cat "$work/probe.log" >&2; die "installed, and the compiler still refuses it"; }
say "done in $SECONDS s"
