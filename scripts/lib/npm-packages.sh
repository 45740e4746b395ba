# Sourced by scripts/setup: the npm packages of package-lock.json, in node_modules/ of this checkout.

setUpNpmPackages() {
  local stamp=$root/node_modules/.installed-lockfile
  if cmp -s "$root/package-lock.json" "$stamp"; then
    say "npm: up to date with package-lock.json"
    return
  fi
  local version
  version=$(node --version)
  version=${version#v}
  ((${version%%.*} >= 18)) || fail setup.old-node "node is version $version" "the bundler needs 18 or newer" \
    "install Debian's nodejs package, or remove the old node from PATH"
  say "npm: installing the packages of package-lock.json"
  (cd "$root" && npm ci --no-audit --no-fund --loglevel=error </dev/null 2>&1 | indent) || fail setup.npm-failed \
    "npm ci did not succeed" "its messages are above" \
    "check the network and npm's registry setting (npm config get registry), then run scripts/setup again"
  cp "$root/package-lock.json" "$stamp"
}
