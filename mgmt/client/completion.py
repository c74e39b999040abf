#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Bash completion of strata-client, from the shell's command table (`shell --table` on standard input)."""
import json
import sys

names = [json.loads(line)["name"].split() for line in sys.stdin]
first = sorted({n[0] for n in names})
print("""# Bash completion for strata-client: made by mgmt/client/completion.py, do not edit.
_strata_client()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} verb= sub= i
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--serial | --unix | --tcp | --baud | --timeout | --output) ((i++)) ;;
		-*) ;;
		*) if [ -z "$verb" ]; then verb=${COMP_WORDS[i]}; else sub=${COMP_WORDS[i]}; fi ;;
		esac
	done
	case $prev in
	--serial | --unix | --output) COMPREPLY=($(compgen -f -- "$cur")); return ;;
	--baud) COMPREPLY=($(compgen -W "9600 19200 38400 57600 115200 230400 460800 921600" -- "$cur")); return ;;
	--tcp | --timeout) return ;;
	esac
	if [ -z "$verb" ]; then""")
print(f'\t\tCOMPREPLY=($(compgen -W "--serial --baud --unix --tcp --timeout --output --json {" ".join(first)}" -- "$cur"))')
print("\t\treturn\n\tfi\n\t[ -z \"$sub\" ] || return\n\tcase $verb in")
for word in first:
    seconds = sorted(n[1] for n in names if n[0] == word and len(n) > 1)
    if seconds:
        print(f'\t{word}) COMPREPLY=($(compgen -W "{" ".join(seconds)}" -- "$cur")) ;;')
print("\tesac\n}\ncomplete -F _strata_client strata-client")
