# Sourced by scripts/setup: a tree of Debian's libraries and headers to compile against, outside of the checkout.
#
# It is made under a temporary name and renamed when complete, so a tree with the final name is always whole.

suite=forky
recipe=1   # raise this when the steps below change, so that existing trees are made anew

sysrootPath() {
  if [[ -n ${MAYFLY_SYSROOT:-} ]]; then
    echo "$MAYFLY_SYSROOT"
    return
  fi
  local id
  id=$({ echo "$suite $recipe"; entries "$root/scripts/sysroot-packages.txt" | sort; } | sha256sum)
  echo "$cache/sysroot-${id:0:16}"
}

# The mirror that this machine installs its own Debian from serves the sysroot's suite too.
mirrorAddress() {
  if [[ -n ${MAYFLY_MIRROR:-} ]]; then
    echo "$MAYFLY_MIRROR"
    return
  fi
  local codename
  codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  apt-get indextargets --format '$(CREATED_BY) $(RELEASE) $(COMPONENT) $(REPO_URI)' |
    awk -v codename="$codename" '
      $1 == "Packages" && $3 == "main" && ($2 == codename || $2 == "stable" || $2 == "testing") { print $4; exit }'
}

setUpSysroot() {
  local path mirror
  path=$(sysrootPath)
  if [[ -n ${MAYFLY_SYSROOT:-} ]]; then
    [[ -d $path/usr/include ]] || fail setup.no-sysroot "MAYFLY_SYSROOT=$path has no usr/include" \
      "the variable names a directory that is no sysroot" "unset it, or set it to / for this machine's own libraries"
    say "sysroot: $path (from MAYFLY_SYSROOT)"
    return
  fi
  if [[ -d $path ]]; then
    say "sysroot: ready at $path"
    return
  fi
  mirror=$(mirrorAddress)
  [[ -n $mirror ]] || fail setup.no-mirror "no Debian mirror is known" \
    "apt's sources name none for this release of Debian" "set MAYFLY_MIRROR to the address of a Debian mirror"
  local freeMb
  freeMb=$(df --output=avail -m "$cache" | tail -1)
  ((freeMb >= 1500)) || fail setup.disk-full "there are $freeMb MB free for $cache" \
    "the sysroot takes 350 MB, and 1000 MB while it is made" "free some space, or set MAYFLY_CACHE to another disk"

  # What an interrupted run left behind. We hold the lock, so nobody is still using it.
  rm -rf "$cache"/sysroot-*.partial
  local partial=$path.partial
  say "sysroot: downloading about 110 MB and unpacking it to $path"
  local mode=root
  [[ $(id -u) == 0 ]] || mode=chrootless   # nothing is installed or run in it, so no privilege is needed
  local include
  include=$(entries "$root/scripts/sysroot-packages.txt" | paste -sd,)
  # A mirror may be a dated copy, whose index has expired; its signature is checked all the same.
  if ! mmdebstrap --mode="$mode" --variant=extract --include="$include" \
      --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='Acquire::Retries "5"' \
      --skip=output/dev "$suite" "$partial" "deb $mirror $suite main" </dev/null 2>&1 | indent; then
    rm -rf "$partial"
    fail setup.sysroot-failed "mmdebstrap could not make the sysroot" \
      "its messages are above; the mirror was the one in apt's sources for this release" \
      "check the network and run this again, or set MAYFLY_MIRROR to another Debian mirror that has $suite"
  fi
  local directory
  for directory in bin sbin lib lib64; do
    [[ -d $partial/usr/$directory && ! -e $partial/$directory ]] && ln -s "usr/$directory" "$partial/$directory"
  done
  local needed
  for needed in usr/include/node/v8.h usr/include/kj/async.h usr/bin/capnp lib; do
    [[ -e $partial/$needed ]] || fail setup.sysroot-incomplete "the new sysroot has no $needed" \
      "a package of scripts/sysroot-packages.txt no longer holds it" "correct the list and run this again"
  done
  mv -T "$partial" "$path"
  say "sysroot: ready at $path"
}
