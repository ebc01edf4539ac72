# bash completion for reeve; written by `reeve completion bash`.
# SPDX-License-Identifier: Apache-2.0
_reeve() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} path='' word skip='' i
	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ -n $skip ]]; then
			skip=''
			continue
		fi
		case $word in
		-c | --conf) skip=1 ;;
		-*) ;;
		*)
			case "$path $word" in
			' new' | ' check' | ' send' | ' reply' | ' inbox' | ' outbox' | ' show' | ' export' | ' verify' | ' codes' | ' operation' | ' operation list' | ' operation show' | ' status' | ' links' | ' quarantine' | ' init' | ' invite' | ' join' | ' approve' | ' rotate' | ' trust' | ' trust show' | ' trust verify' | ' trust install' | ' trust diff' | ' trust history' | ' authority' | ' authority new' | ' authority admit' | ' authority operation' | ' authority remove' | ' authority show' | ' authority publish' | ' authority co-signer' | ' authority quorum' | ' authority sign' | ' authority issue' | ' authority issued' | ' authority renew' | ' authority revoke' | ' authority crl' | ' authority ocsp' | ' authority issuer' | ' authority checking' | ' authority rekey' | ' completion' | ' help') path="$path $word" ;;
			esac
			;;
		esac
	done
	case $path in
	'')
		case $prev in
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--conf --help --version ' -- "$cur")
			return
		fi
		mapfile -t COMPREPLY < <(compgen -W 'new check send reply inbox outbox show export verify codes operation status links quarantine init invite join approve rotate trust authority completion help' -- "$cur")
		;;
	' new')
		case $prev in
		-o | --out) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--out --conf --help --version ' -- "$cur")
			return
		fi
		mapfile -t COMPREPLY < <(compgen -W 'seizure-short seizure-long warning alert feedback situation-report update cancel request reply operation' -- "$cur"); return
		;;
	' check')
		case $prev in
		-p | --operation) return ;;
		-t | --trust) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		-A | --authority) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--operation --trust --authority --json --conf --help --version ' -- "$cur")
			return
		fi
		compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return
		;;
	' send')
		case $prev in
		-p | --operation) return ;;
		-a | --attach) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		-t | --to) return ;;
		--id) return ;;
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--operation --attach --to --dry-run --id --json --conf --help --version ' -- "$cur")
			return
		fi
		compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return
		;;
	' reply')
		case $prev in
		-k | --kind) mapfile -t COMPREPLY < <(compgen -W 'feedback reply update cancel' -- "$cur"); return ;;
		-d | --draft) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		-o | --out) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		-a | --attach) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		-t | --to) return ;;
		--id) return ;;
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--kind --draft --out --send --attach --to --dry-run --id --json --conf --help --version ' -- "$cur")
			return
		fi
		return
		;;
	' inbox')
		case $prev in
		-p | --operation) return ;;
		-n | --limit) return ;;
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--follow --operation --unread --limit --all --json --conf --help --version ' -- "$cur")
			return
		fi
		return
		;;
	' outbox')
		case $prev in
		-p | --operation) return ;;
		-n | --limit) return ;;
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--operation --limit --all --json --conf --help --version ' -- "$cur")
			return
		fi
		return
		;;
	' show')
		case $prev in
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--keep-unread --json --conf --help --version ' -- "$cur")
			return
		fi
		return
		;;
	' export')
		case $prev in
		-o | --out) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		--attachments) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return ;;
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--out --attachments --conf --help --version ' -- "$cur")
			return
		fi
		return
		;;
	' verify')
		case $prev in
		-t | --trust) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		-A | --authority) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--trust --authority --json --conf --help --version ' -- "$cur")
			return
		fi
		compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return
		;;
	' codes')
		case $prev in
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--json --conf --help --version ' -- "$cur")
			return
		fi
		mapfile -t COMPREPLY < <(compgen -W "$(reeve codes 2>/dev/null)" -- "$cur"); return
		;;
	' operation')
		case $prev in
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--conf --help --version ' -- "$cur")
			return
		fi
		mapfile -t COMPREPLY < <(compgen -W 'list show' -- "$cur")
		;;
	' operation list')
		case $prev in
		-t | --trust) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		-A | --authority) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--trust --authority --json --conf --help --version ' -- "$cur")
			return
		fi
		return
		;;
	' operation show')
		case $prev in
		-t | --trust) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		-A | --authority) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--trust --authority --json --conf --help --version ' -- "$cur")
			return
		fi
		return
		;;
	' status')
		case $prev in
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--json --conf --help --version ' -- "$cur")
			return
		fi
		return
		;;
	' links')
		case $prev in
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--json --conf --help --version ' -- "$cur")
			return
		fi
		return
		;;
	' quarantine')
		case $prev in
		-o | --out) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--out --json --conf --help --version ' -- "$cur")
			return
		fi
		return
		;;
	' init')
		case $prev in
		--code) return ;;
		--name) return ;;
		--role) mapfile -t COMPREPLY < <(compgen -W 'administration right-holder coordinator relay' -- "$cur"); return ;;
		--country) return ;;
		--office) return ;;
		--listen) return ;;
		--endpoint) return ;;
		--via) return ;;
		--dial) return ;;
		--rights) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		--pkcs11) return ;;
		--pkcs11-module) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		--pin-file) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		--rsa) mapfile -t COMPREPLY < <(compgen -W '3072 4096' -- "$cur"); return ;;
		--operation) return ;;
		--passphrase-file) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--code --name --role --country --office --listen --endpoint --via --dial --rights --pkcs11 --pkcs11-module --pin-file --rsa --authority --operation --passphrase --passphrase-file --conf --help --version ' -- "$cur")
			return
		fi
		compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return
		;;
	' invite')
		case $prev in
		--code) return ;;
		--name) return ;;
		--role) mapfile -t COMPREPLY < <(compgen -W 'administration right-holder coordinator relay' -- "$cur"); return ;;
		--country) return ;;
		--operation) return ;;
		--hours) return ;;
		--endpoint) return ;;
		--withdraw) return ;;
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--code --name --role --country --operation --hours --endpoint --withdraw --json --conf --help --version ' -- "$cur")
			return
		fi
		return
		;;
	' join')
		case $prev in
		--office) return ;;
		--listen) return ;;
		--endpoint) return ;;
		--via) return ;;
		--dial) return ;;
		--rights) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		--pkcs11) return ;;
		--pkcs11-module) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		--pin-file) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		--rsa) mapfile -t COMPREPLY < <(compgen -W '3072 4096' -- "$cur"); return ;;
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--office --listen --endpoint --via --dial --rights --pkcs11 --pkcs11-module --pin-file --rsa --no-wait --conf --help --version ' -- "$cur")
			return
		fi
		compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return
		;;
	' approve')
		case $prev in
		--phrase) return ;;
		--days) return ;;
		--overlap) return ;;
		--passphrase-file) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--phrase --days --overlap --passphrase-file --conf --help --version ' -- "$cur")
			return
		fi
		return
		;;
	' rotate')
		case $prev in
		--rsa) mapfile -t COMPREPLY < <(compgen -W '3072 4096' -- "$cur"); return ;;
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--rsa --undo --conf --help --version ' -- "$cur")
			return
		fi
		return
		;;
	' trust')
		case $prev in
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--conf --help --version ' -- "$cur")
			return
		fi
		mapfile -t COMPREPLY < <(compgen -W 'show verify install diff history' -- "$cur")
		;;
	' trust show')
		case $prev in
		-t | --trust) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		-A | --authority) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--trust --authority --json --conf --help --version ' -- "$cur")
			return
		fi
		compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return
		;;
	' trust verify')
		case $prev in
		-A | --authority) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--authority --conf --help --version ' -- "$cur")
			return
		fi
		compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return
		;;
	' trust install')
		case $prev in
		-A | --authority) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--authority --replace-authority --conf --help --version ' -- "$cur")
			return
		fi
		compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return
		;;
	' trust diff')
		case $prev in
		-A | --authority) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--authority --json --conf --help --version ' -- "$cur")
			return
		fi
		compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return
		;;
	' trust history')
		case $prev in
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--json --conf --help --version ' -- "$cur")
			return
		fi
		return
		;;
	' authority')
		case $prev in
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--conf --help --version ' -- "$cur")
			return
		fi
		mapfile -t COMPREPLY < <(compgen -W 'new admit operation remove show publish co-signer quorum sign issue issued renew revoke crl ocsp issuer checking rekey' -- "$cur")
		;;
	' authority new')
		case $prev in
		--name) return ;;
		--code) return ;;
		--days) return ;;
		--rsa) mapfile -t COMPREPLY < <(compgen -W '3072 4096' -- "$cur"); return ;;
		--pkcs11) return ;;
		--pkcs11-module) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		--pin-file) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		--crl-url) return ;;
		--ocsp-url) return ;;
		--passphrase-file) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--name --code --days --rsa --pkcs11 --pkcs11-module --pin-file --crl-url --ocsp-url --passphrase --passphrase-file --conf --help --version ' -- "$cur")
			return
		fi
		compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return
		;;
	' authority admit')
		case $prev in
		--days) return ;;
		--role) mapfile -t COMPREPLY < <(compgen -W 'administration right-holder coordinator relay' -- "$cur"); return ;;
		--fingerprint) return ;;
		--overlap) return ;;
		--certificate) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		--issuer) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		--crl-url) return ;;
		--ocsp-url) return ;;
		--passphrase-file) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--days --role --fingerprint --renew --overlap --certificate --issuer --crl-url --ocsp-url --passphrase-file --conf --help --version ' -- "$cur")
			return
		fi
		compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return
		;;
	' authority operation')
		case $prev in
		--name) return ;;
		--lead) return ;;
		--from) return ;;
		--to) return ;;
		--risk) mapfile -t COMPREPLY < <(compgen -W 'revenue drugs health-safety-ipr security environment' -- "$cur"); return ;;
		--kinds) mapfile -t COMPREPLY < <(compgen -W 'warning seizure alert feedback situation-report update cancel request reply operation all' -- "$cur"); return ;;
		--nominal) mapfile -t COMPREPLY < <(compgen -W 'yes no' -- "$cur"); return ;;
		--participant) return ;;
		--leave) return ;;
		--category) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--name --lead --from --to --risk --kinds --nominal --participant --leave --category --conf --help --version ' -- "$cur")
			return
		fi
		compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return
		;;
	' authority remove')
		case $prev in
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--conf --help --version ' -- "$cur")
			return
		fi
		compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return
		;;
	' authority show')
		case $prev in
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--json --conf --help --version ' -- "$cur")
			return
		fi
		compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return
		;;
	' authority publish')
		case $prev in
		-o | --out) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		--days) return ;;
		--number) return ;;
		--passphrase-file) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--out --days --number --passphrase-file --conf --help --version ' -- "$cur")
			return
		fi
		compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return
		;;
	' authority co-signer')
		case $prev in
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--conf --help --version ' -- "$cur")
			return
		fi
		compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return
		;;
	' authority quorum')
		case $prev in
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--conf --help --version ' -- "$cur")
			return
		fi
		compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return
		;;
	' authority sign')
		case $prev in
		-o | --out) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		--passphrase-file) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--out --yes --passphrase-file --conf --help --version ' -- "$cur")
			return
		fi
		compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return
		;;
	' authority issue')
		case $prev in
		-o | --out) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		--days) return ;;
		--name) return ;;
		--passphrase-file) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--out --days --name --passphrase-file --conf --help --version ' -- "$cur")
			return
		fi
		compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return
		;;
	' authority issued')
		case $prev in
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--json --conf --help --version ' -- "$cur")
			return
		fi
		compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return
		;;
	' authority renew')
		case $prev in
		--days) return ;;
		--overlap) return ;;
		--passphrase-file) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--days --overlap --passphrase-file --conf --help --version ' -- "$cur")
			return
		fi
		compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return
		;;
	' authority revoke')
		case $prev in
		--reason) mapfile -t COMPREPLY < <(compgen -W 'unspecified key-compromise ca-compromise affiliation superseded cessation' -- "$cur"); return ;;
		--since) return ;;
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--reason --since --conf --help --version ' -- "$cur")
			return
		fi
		compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return
		;;
	' authority crl')
		case $prev in
		-o | --out) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		--days) return ;;
		--passphrase-file) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--out --days --passphrase-file --conf --help --version ' -- "$cur")
			return
		fi
		compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return
		;;
	' authority ocsp')
		case $prev in
		--days) return ;;
		--listen) return ;;
		--hours) return ;;
		--passphrase-file) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--certify --days --listen --hours --passphrase-file --conf --help --version ' -- "$cur")
			return
		fi
		compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return
		;;
	' authority issuer')
		case $prev in
		--crl-url) return ;;
		--ocsp-url) return ;;
		--for) return ;;
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--crl-url --ocsp-url --for --conf --help --version ' -- "$cur")
			return
		fi
		compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return
		;;
	' authority checking')
		case $prev in
		--max-age-hours) return ;;
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--max-age-hours --conf --help --version ' -- "$cur")
			return
		fi
		compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return
		;;
	' authority rekey')
		case $prev in
		--days) return ;;
		--rsa) mapfile -t COMPREPLY < <(compgen -W '3072 4096' -- "$cur"); return ;;
		--pkcs11) return ;;
		--pkcs11-module) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		--pin-file) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		--crl-url) return ;;
		--ocsp-url) return ;;
		--passphrase-file) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--days --rsa --end --pkcs11 --pkcs11-module --pin-file --crl-url --ocsp-url --passphrase --passphrase-file --conf --help --version ' -- "$cur")
			return
		fi
		compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return
		;;
	' completion')
		case $prev in
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--conf --help --version ' -- "$cur")
			return
		fi
		mapfile -t COMPREPLY < <(compgen -W 'bash zsh' -- "$cur"); return
		;;
	' help')
		case $prev in
		-c | --conf) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--conf --help --version ' -- "$cur")
			return
		fi
		mapfile -t COMPREPLY < <(compgen -W 'new check send reply inbox outbox show export verify codes operation status links quarantine init invite join approve rotate trust authority completion help' -- "$cur"); return
		;;
	esac
}
complete -F _reeve reeve
