#!/usr/bin/env bash
# Installs what packages/interop/debian-packages.txt lists: a real ZooKeeper and its own programs, which the interop tests
# run beside Zabra. Starts no service. Does nothing when all is there; says so loudly when it may not or cannot install
# anything, and then the interop tests are left out; in CI (CI=true) it fails instead.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
while read -r package file; do
  case "$package" in '' | '#'*) continue ;; esac
  [ -r "$file" ] || missing+=("$package")
done < packages/interop/debian-packages.txt
[ ${#missing[@]} -gt 0 ] || exit 0

give_up() {
  echo "SKIPPED: the interop tests, which need ${missing[*]}: $1" >&2
  [ "${CI:-}" != true ] || exit 1
  exit 0
}

command -v apt-get > /dev/null || give_up 'there is no apt-get here'
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  sudo -n true 2> /dev/null || give_up "only root may install them: sudo apt-get install --no-install-recommends ${missing[*]}"
  as_root=(sudo -n)
fi

echo "installing for the interop tests, with apt-get: ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt_get() {
  # In runlevel 1 no package starts a service.
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -o DPkg::Lock::Timeout=120 "$@" >> "$log" 2>&1
}
install() { apt_get install --yes --no-install-recommends "${missing[@]}"; }
# What is known of the packages may be missing or too old; only then is it fetched anew.
install || { apt_get update && install; } || {
  tail -n 20 "$log" >&2
  give_up 'apt-get could not install them, see above'
}
