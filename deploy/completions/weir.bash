# SPDX-License-Identifier: Apache-2.0
# bash completion for weir
_weir_services() { weir services -o json 2>/dev/null | sed -n 's/^ *"name": "\(.*\)",\{0,1\}$/\1/p' | sort -u; }

_weir() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command= word
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case $word in -*) ;; *) command=$word; break ;; esac
    done
    case $previous in
        -o | --output) mapfile -t COMPREPLY < <(compgen -W "table wide json yaml" -- "$current"); return ;;
        --by) mapfile -t COMPREPLY < <(compgen -W "service workload endpoint" -- "$current"); return ;;
        --sort) mapfile -t COMPREPLY < <(compgen -W "connects failures p50 p99 rtt bytes retrans name" -- "$current"); return ;;
        --verdict) mapfile -t COMPREPLY < <(compgen -W "opened failed closed ejected half-open restored panic" -- "$current"); return ;;
        --service) mapfile -t COMPREPLY < <(compgen -W "$(_weir_services)" -- "$current"); return ;;
        --config | --socket) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
        --mesh | --state | --bpffs | --cgroup) mapfile -t COMPREPLY < <(compgen -d -- "$current"); return ;;
    esac
    if [[ $current == -* ]]; then
        local flags="--config --mesh --state --bpffs --socket --cgroup --output --help --version"
        case $command in
            apply) flags+=" --timeout" ;;
            rollback) flags+=" --timeout --list" ;;
            off | eject) flags+=" --for" ;;
            explain) flags+=" --window" ;;
            edges) flags+=" --unmanaged" ;;
            top) flags+=" --by --sort --window --once" ;;
            connections) flags+=" --workload --service --endpoint" ;;
            flows) flags+=" --workload --service --endpoint --verdict --reason --slower-than --since --last --follow" ;;
            uninstall) flags+=" --verify" ;;
        esac
        mapfile -t COMPREPLY < <(compgen -W "$flags" -- "$current")
        return
    fi
    case $command in
        "") mapfile -t COMPREPLY < <(compgen -W "status check services endpoints edges explain top flows connections sysdump validate diff apply rollback config hosts eject restore off on uninstall version" -- "$current") ;;
        services | endpoints | edges | explain | config | eject | restore | off | on) mapfile -t COMPREPLY < <(compgen -W "$(_weir_services)" -- "$current") ;;
        sysdump) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
        validate | diff | apply) mapfile -t COMPREPLY < <(compgen -f -X '!*.y*ml' -- "$current"; compgen -d -- "$current") ;;
    esac
}
complete -F _weir weir
