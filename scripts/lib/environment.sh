# Sourced by the scripts beside it: where things are, and how to speak to the person who waits.

set -euo pipefail
shopt -s inherit_errexit

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)

# fail CODE WHAT WHY FIX: the one way for a script to give up.
fail() {
  printf 'error[%s]: %s\n  why    %s\n  fix    %s\n' "$1" "$2" "$3" "$4" >&2
  exit 1
}

# Some CI systems run without a home. Tools that want one get a place inside the build directory.
if [[ -z ${HOME:-} ]]; then
  HOME=$(getent passwd "$(id -u)" | cut -d: -f6 || true)
fi
if [[ -z $HOME || ! -w $HOME ]]; then
  HOME=$root/build/home
  mkdir -p "$HOME" || fail setup.no-home "user $(id -un) has no home and may not write to $root" \
    "compilers and package tools keep their caches there" "set HOME to a directory you may write, or own the checkout"
fi
export HOME

cache=${MAYFLY_CACHE:-$HOME/.cache/mayfly}
llvm=${MAYFLY_LLVM:-19}

# The entries of a list file, without its comments.
entries() { sed -e 's/#.*//' -e 's/[[:space:]]*$//' -e '/^$/d' "$1"; }

indent() { sed -u -e '/^$/d' -e 's/^/    /'; }
