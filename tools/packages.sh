# The Debian packages that rins needs, in one list, and their installation. Sourced by test.sh and quickstart.sh:
#   . tools/packages.sh && install_packages build test

packages_build="gcc g++ meson ninja-build pkg-config libc6-dev libgomp1
    libjpeg-dev libpng-dev libwebp-dev libopenblas-openmp-dev libsentencepiece-dev libarchive-dev zlib1g-dev libfyaml-dev
    libjansson-dev"
packages_test="libcmocka-dev jq"

missing_packages() { # PACKAGE...: the ones that are not installed
    local package
    for package in "$@"; do
        dpkg-query -W -f='${Status}\n' "$package" 2>/dev/null | grep -q 'ok installed' || printf '%s ' "$package"
    done
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

apt_install() { as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; }

# install_packages GROUP...: installs what is missing of the groups build and test. Anything that cannot be installed ends
# the script and is named.
install_packages() {
    local group wanted="" missing name
    for group in "$@"; do
        name=packages_$group
        wanted="$wanted ${!name}"
    done
    if ! command -v dpkg-query >/dev/null; then
        echo "This is no Debian: packages are not installed for you. Needed, by their Debian names:" $wanted >&2
        return 0
    fi
    missing=$(missing_packages $wanted)
    [ -n "$missing" ] || return 0
    echo "Installing: $missing" >&2
    if [ "$(id -u)" != 0 ] && ! sudo -n true 2>/dev/null; then
        echo "error: these packages are missing and only root may install them. Run:" >&2
        echo "    sudo apt-get update && sudo apt-get install --no-install-recommends $missing" >&2
        exit 1
    fi
    local log
    log=$(mktemp)
    as_root apt-get update -qq >"$log" 2>&1 || echo "apt-get update failed; trying with the lists at hand" >&2
    # One package that this release lacks must not keep the others out.
    apt_install $missing >>"$log" 2>&1 || for name in $missing; do apt_install "$name" >>"$log" 2>&1; done
    missing=
    for group in "$@"; do
        name=packages_$group
        missing="$missing$(missing_packages ${!name})"
    done
    if [ -n "$missing" ]; then
        tail -n 5 "$log" >&2
        echo "error: could not install: $missing" >&2
    fi
    rm -f "$log"
    [ -z "$missing" ] || exit 1
}
