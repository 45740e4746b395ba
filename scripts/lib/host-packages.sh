# Sourced by scripts/setup: the packages of this machine's own Debian.

# Node runs the bundler and the end-to-end tests. Any recent one will do, so an installed one is kept.
hostPackages() {
  entries "$root/scripts/apt-packages.txt" | sed "s/-19\b/-$llvm/"
  command -v node >/dev/null || echo nodejs
  command -v npm >/dev/null || echo npm
  # Without a sysroot, its libraries must be the machine's own.
  [[ ${MAYFLY_SYSROOT:-} != / ]] || entries "$root/scripts/sysroot-packages.txt"
}

missingHostPackages() {
  local package
  for package in $(hostPackages); do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || echo "$package"
  done
}

# Keeps what apt prints in a file and shows a line now and then, and every complaint.
followApt() {
  tee -a "$cache/apt.log" | awk '
    function every(what, count) { if (count % 50 == 1) { print "    " what " package " count; fflush() } }
    /^Get:/ { every("downloading", ++fetched) }
    /^Unpacking / { every("unpacking", ++unpacked) }
    /^Setting up / { every("setting up", ++configured) }
    /newly installed/ { print "    " $0; fflush() }
    /^(E|W|Err|dpkg)[:0-9 ]/ { print "    " $0; fflush() }'
}

setUpHostPackages() {
  command -v dpkg-query >/dev/null || fail setup.not-debian "this machine has no dpkg" \
    "set-up installs Debian packages (Debian 12 or newer)" "build on Debian, or in a Debian container"
  local missing
  missing=$(missingHostPackages)
  if [[ -z $missing ]]; then
    say "packages: all installed"
    return
  fi
  missing=$(tr '\n' ' ' <<<"$missing")
  local install="apt-get install --yes --no-install-recommends $missing"
  if [[ $(id -u) != 0 ]]; then
    fail setup.missing-packages "packages are missing: $missing" \
      "only root may install packages, and this is user $(id -un)" "as root, run: apt-get update && $install"
  fi
  say "packages: installing $missing"
  : >"$cache/apt.log"
  export DEBIAN_FRONTEND=noninteractive
  local options=(-o DPkg::Lock::Timeout=600 -o Acquire::Retries=5 -o Dpkg::Use-Pty=0)
  # A run that was cut off may have left packages unpacked but not configured.
  dpkg --configure -a </dev/null 2>&1 | followApt
  if ! apt-get "${options[@]}" --simulate ${install#apt-get } >/dev/null 2>&1; then
    say "packages: fetching the package lists"
    apt-get "${options[@]}" update </dev/null 2>&1 | followApt
  fi
  # Known package lists may be too old to download from, so a failure earns one refresh.
  if ! apt-get "${options[@]}" ${install#apt-get } </dev/null 2>&1 | followApt; then
    say "packages: refreshing the package lists, then once more"
    apt-get "${options[@]}" update </dev/null 2>&1 | followApt
    apt-get "${options[@]}" ${install#apt-get } </dev/null 2>&1 | followApt || fail setup.apt-failed \
      "apt-get could not install $missing" "its complaints are above, all of its output in $cache/apt.log" \
      "check /etc/apt/sources.list*; if clang-$llvm is what is missing, set MAYFLY_LLVM to a version that is there (19 or newer)"
  fi
}
