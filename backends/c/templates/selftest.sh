#!/bin/sh
# Compile the network and compare it with golden.txt and weights.txt: status 0 if all is as it was emitted, else 1.
cd "$(dirname "$0")" || exit 1
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM
# CC may hold options, so it is not quoted.
${CC:-cc} -std=c99 -Wall -Wextra -Werror -pedantic -O2 ${CFLAGS:-} -o "$folder/snncc_net" main.c snncc_net.c || exit 1
"$folder/snncc_net" --selftest golden.txt weights.txt || exit 1
