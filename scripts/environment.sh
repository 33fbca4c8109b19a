# Sourced by ./run and ./test: make the Python environment of this checkout, and keep it in step with the locked requirements.
# Needs $here, the folder of the checkout. Everything it says goes to standard error.
# shellcheck shell=bash

venv=${AVATARIUM_VENV:-$here/.venv}
case $venv in /*) ;; *) venv=$PWD/$venv ;; esac
python=$venv/bin/python
stamp=$venv/avatarium-lock     # checksums of the locks that are installed, written when an installation is complete
busy=$venv/avatarium-unfinished

say() { printf '%s\n' "$*" >&2; }
fail() { say "error: $*"; exit 1; }

# prepare LOCK...: returns at once where each of these lists (base, dev) is installed already.
prepare() {
    is_current "$@" && return
    mkdir -p "$(dirname "$venv")" 2>/dev/null || fail "$venv cannot be made; name a folder that can in AVATARIUM_VENV."
    (
        if command -v flock >/dev/null && { exec 9>"$venv.lock"; } 2>/dev/null; then
            flock -n 9 || { say "Waiting for another set-up of $venv ..."; flock 9; }
        fi
        is_current "$@" || set_up "$@"
    ) || exit
}

checksum() { cksum <"$here/requirements/$1.txt"; }

is_current() {
    [ -x "$python" ] && [ -f "$stamp" ] && [ ! -e "$busy" ] || return 1
    local list
    for list in "$@"; do
        grep -qxF "$list $(checksum "$list")" "$stamp" || return 1
    done
}

set_up() {
    say "Setting up Python packages in $venv (once; some minutes) ..."
    usable || make_venv
    : >"$busy" || fail "$venv cannot be written; name another folder in AVATARIUM_VENV."
    find_installer
    local list
    for list in "$@"; do
        install "$list"
    done
    for list in "$@"; do
        printf '%s %s\n' "$list" "$(checksum "$list")"
    done >"$stamp"
    rm -f "$busy"
}

# A set-up that was cut off may have left packages by halves, which no installer notices: such an environment is made anew.
usable() { [ ! -e "$busy" ] && fits "$python"; }

fits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' >/dev/null 2>&1; }

find_python() {
    local candidate
    for candidate in ${AVATARIUM_PYTHON:-python3.11 python3.12 python3 python}; do
        fits "$candidate" && { command -v "$candidate"; return; }
    done
    return 1
}

make_venv() {
    if [ -e "$venv" ]; then
        [ -e "$venv/pyvenv.cfg" ] || [ -z "$(ls -A "$venv")" ] ||
            fail "$venv is no Python environment, so it is left alone; name another folder in AVATARIUM_VENV."
        rm -rf "$venv" || fail "$venv cannot be replaced; remove it, or name another folder in AVATARIUM_VENV."
    fi
    local base log
    base=$(find_python) || base=
    log=$(mktemp) || exit
    make_with_uv "$base" >"$log" 2>&1 || make_with_venv "$base" >>"$log" 2>&1 || no_venv "$base" "$log"
    rm -f "$log"
    : >"$busy"
}

# uv brings a Python along where there is none.
make_with_uv() { command -v uv && uv venv --quiet --python "${1:-3.11}" "$venv"; }

make_with_venv() {
    [ -n "$1" ] || return 1
    "$1" -m venv "$venv" && return
    rm -rf "$venv"
    virtualenv --quiet --python "$1" "$venv" && return
    rm -rf "$venv"
    # Debian keeps ensurepip in a package of its own; any pip can fill an environment that has none.
    "$1" -m pip --version && "$1" -m venv --without-pip "$venv"
}

no_venv() {
    rm -rf "$venv"
    tail -n 3 "$2" >&2
    rm -f "$2"
    if [ -z "$1" ]; then
        fail "Python 3.11 or 3.12 is needed and neither was found; install one (sudo apt install python3.12 python3.12-venv)," \
            "or uv, which brings its own (https://docs.astral.sh/uv)."
    fi
    local name
    name=$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    fail "$1 cannot make environments; install its other half (sudo apt install $name), or uv (https://docs.astral.sh/uv)."
}

# The locks name everything, and leave out on purpose what some packages ask for and never use: hence --no-deps.
install() {
    local log options
    options=(--quiet --no-deps --require-hashes -r "$here/requirements/$1.txt")
    log=$(mktemp) || exit
    if ! "${installer[@]}" "${options[@]}" >"$log" 2>&1; then
        tail -n 5 "$log" >&2
        rm -f "$log"
        fail "the Python packages could not be installed (see above); check the network and the disk, then try again."
    fi
    rm -f "$log"
}

find_installer() {
    local base
    export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_USER=0
    if command -v uv >/dev/null; then
        installer=(uv pip install --python "$python")
    elif "$python" -m pip --version >/dev/null 2>&1; then
        installer=("$python" -m pip install)
    elif base=$(find_python) && "$base" -m pip --version >/dev/null 2>&1; then
        installer=("$base" -m pip --python "$python" install)
    elif "$python" -m ensurepip --default-pip >/dev/null 2>&1; then
        installer=("$python" -m pip install)
    else
        fail "neither pip nor uv was found; install one (sudo apt install python3-pip)."
    fi
}
