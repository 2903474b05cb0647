#!/bin/bash

__qq_cursor_index_in_current_word() {
    local remaining="${COMP_LINE}"

    local word
    for word in "${COMP_WORDS[@]::COMP_CWORD}"; do
        remaining="${remaining##*([[:space:]])"${word}"*([[:space:]])}"
    done

    local -ir index="$((COMP_POINT - ${#COMP_LINE} + ${#remaining}))"
    if [[ "${index}" -le 0 ]]; then
        printf 0
    else
        printf %s "${index}"
    fi
}

# positional arguments:
#
# - 1: the current (sub)command's count of positional arguments
#
# required variables:
#
# - repeating_flags: the repeating flags that the current (sub)command can accept
# - non_repeating_flags: the non-repeating flags that the current (sub)command can accept
# - repeating_options: the repeating options that the current (sub)command can accept
# - non_repeating_options: the non-repeating options that the current (sub)command can accept
# - positional_number: value ignored
# - unparsed_words: unparsed words from the current command line
#
# modified variables:
#
# - non_repeating_flags: remove flags for this (sub)command that are already on the command line
# - non_repeating_options: remove options for this (sub)command that are already on the command line
# - positional_number: set to the current positional number
# - unparsed_words: remove all flags, options, and option values for this (sub)command
__qq_offer_flags_options() {
    local -ir positional_count="${1}"
    positional_number=0

    local was_flag_option_terminator_seen=false
    local is_parsing_option_value=false

    local -ar unparsed_word_indices=("${!unparsed_words[@]}")
    local -i word_index
    for word_index in "${unparsed_word_indices[@]}"; do
        if "${is_parsing_option_value}"; then
            # This word is an option value:
            # Reset marker for next word iff not currently the last word
            [[ "${word_index}" -ne "${unparsed_word_indices[${#unparsed_word_indices[@]} - 1]}" ]] && is_parsing_option_value=false
            unset "unparsed_words[${word_index}]"
            # Do not process this word as a flag or an option
            continue
        fi

        local word="${unparsed_words["${word_index}"]}"
        if ! "${was_flag_option_terminator_seen}"; then
            case "${word}" in
            --)
                unset "unparsed_words[${word_index}]"
                # by itself -- is a flag/option terminator, but if it is the last word, it is the start of a completion
                if [[ "${word_index}" -ne "${unparsed_word_indices[${#unparsed_word_indices[@]} - 1]}" ]]; then
                    was_flag_option_terminator_seen=true
                fi
                continue
                ;;
            -*)
                # ${word} is a flag or an option
                # If ${word} is an option, mark that the next word to be parsed is an option value
                local option
                for option in "${repeating_options[@]}" "${non_repeating_options[@]}"; do
                    [[ "${word}" = "${option}" ]] && is_parsing_option_value=true && break
                done

                # Remove ${word} from ${non_repeating_flags} or ${non_repeating_options} so it isn't offered again
                local not_found=true
                local -i index
                for index in "${!non_repeating_flags[@]}"; do
                    if [[ "${non_repeating_flags[${index}]}" = "${word}" ]]; then
                        unset "non_repeating_flags[${index}]"
                        non_repeating_flags=("${non_repeating_flags[@]}")
                        not_found=false
                        break
                    fi
                done
                if "${not_found}"; then
                    for index in "${!non_repeating_flags[@]}"; do
                        if [[ "${non_repeating_flags[${index}]}" = "${word}" ]]; then
                            unset "non_repeating_flags[${index}]"
                            non_repeating_flags=("${non_repeating_flags[@]}")
                            break
                        fi
                    done
                fi
                unset "unparsed_words[${word_index}]"
                continue
                ;;
            esac
        fi

        # ${word} is neither a flag, nor an option, nor an option value
        if [[ "${positional_number}" -lt "${positional_count}" || "${positional_count}" -lt 0 ]]; then
            # ${word} is a positional
            ((positional_number++))
            unset "unparsed_words[${word_index}]"
        else
            if [[ -z "${word}" ]]; then
                # Could be completing a flag, option, or subcommand
                positional_number=-1
            else
                # ${word} is a subcommand or invalid, so stop processing this (sub)command
                positional_number=-2
            fi
            break
        fi
    done

    unparsed_words=("${unparsed_words[@]}")

    if\
        ! "${was_flag_option_terminator_seen}"\
        && ! "${is_parsing_option_value}"\
        && [[ ("${cur}" = -* && "${positional_number}" -ge 0) || "${positional_number}" -eq -1 ]]
    then
        COMPREPLY+=($(compgen -W "${repeating_flags[*]} ${non_repeating_flags[*]} ${repeating_options[*]} ${non_repeating_options[*]}" -- "${cur}"))
    fi
}

__qq_add_completions() {
    local completion
    while IFS='' read -r completion; do
        COMPREPLY+=("${completion}")
    done < <(IFS=$'\n' compgen "${@}" -- "${cur}")
}

__qq_custom_complete() {
    if [[ -n "${cur}" || -z ${COMP_WORDS[${COMP_CWORD}]} || "${COMP_LINE:${COMP_POINT}:1}" != ' ' ]]; then
        local -ar words=("${COMP_WORDS[@]}")
    else
        local -ar words=("${COMP_WORDS[@]::${COMP_CWORD}}" '' "${COMP_WORDS[@]:${COMP_CWORD}}")
    fi

    "${COMP_WORDS[0]}" "${@}" "${words[@]}"
}

_qq() {
    local state
    state="$(shopt -p;shopt -po)"
    trap "${state//$'\n'/;}" RETURN
    shopt -s extglob
    set +o history +o posix

    local -xr SAP_SHELL=bash
    local -x SAP_SHELL_VERSION
    SAP_SHELL_VERSION="$(IFS='.';printf %s "${BASH_VERSINFO[*]}")"
    local -r SAP_SHELL_VERSION

    local -r cur="${2}"
    local -r prev="${3}"

    local -i positional_number
    local -a unparsed_words=("${COMP_WORDS[@]:1:${COMP_CWORD}}")

    local -a repeating_flags=()
    local -a non_repeating_flags=(--version -h --help)
    local -a repeating_options=()
    local -a non_repeating_options=()
    __qq_offer_flags_options 0

    # Offer subcommand / subcommand argument completions
    local -r subcommand="${unparsed_words[0]}"
    unset 'unparsed_words[0]'
    unparsed_words=("${unparsed_words[@]}")
    case "${subcommand}" in
    serve|send|sendfile|listen|chat|get|who|history|join|leave|nick|alias|invite|accept|trust|admin|status|whoami|help)
        # Offer subcommand argument completions
        "_qq_${subcommand}"
        ;;
    *)
        # Offer subcommand completions
        COMPREPLY+=($(compgen -W 'serve send sendfile listen chat get who history join leave nick alias invite accept trust admin status whoami help' -- "${cur}"))
        ;;
    esac
}

_qq_serve() {
    repeating_flags=()
    non_repeating_flags=(--json --text --quiet -q --verbose -v --new-key --ephemeral --open --invite-only --no-announce --members-invite --plaintext --classic --version -h --help)
    repeating_options=(--listen --admit --trusted-proxy --owner)
    non_repeating_options=(--config --data --backups --tls-cert --tls-key --retain --max-file --quota --spool --reserve --metrics --threads)
    __qq_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--config')
        __qq_add_completions -f
        return
        ;;
    '--listen')
        return
        ;;
    '--data')
        __qq_add_completions -d
        return
        ;;
    '--backups')
        __qq_add_completions -d
        return
        ;;
    '--admit')
        return
        ;;
    '--trusted-proxy')
        return
        ;;
    '--owner')
        return
        ;;
    '--tls-cert')
        __qq_add_completions -f
        return
        ;;
    '--tls-key')
        __qq_add_completions -f
        return
        ;;
    '--retain')
        return
        ;;
    '--max-file')
        return
        ;;
    '--quota')
        return
        ;;
    '--spool')
        return
        ;;
    '--reserve')
        return
        ;;
    '--metrics')
        return
        ;;
    '--threads')
        return
        ;;
    esac
}

_qq_send() {
    repeating_flags=()
    non_repeating_flags=(--json --text --quiet -q --verbose -v --plaintext --lines --jsonl --last-seen --version -h --help)
    repeating_options=()
    non_repeating_options=(--hub --nick --timeout --wait --id --reply-to)
    __qq_offer_flags_options -1

    # Offer option value completions
    case "${prev}" in
    '--hub')
        __qq_add_names < <(__qq_custom_complete ---completion send -- --hub "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    '--nick')
        __qq_add_names < <(__qq_custom_complete ---completion send -- --nick "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    '--timeout')
        return
        ;;
    '--wait')
        __qq_add_completions -W 'stored'$'\n''delivered'
        return
        ;;
    '--id')
        return
        ;;
    '--reply-to')
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    1)
        __qq_add_names < <(__qq_custom_complete ---completion send -- positional@0 "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    esac
}

_qq_sendfile() {
    repeating_flags=()
    non_repeating_flags=(--json --text --quiet -q --verbose -v --plaintext --links --last-seen --version -h --help)
    repeating_options=()
    non_repeating_options=(--hub --nick --timeout --wait --name --limit --id)
    __qq_offer_flags_options -1

    # Offer option value completions
    case "${prev}" in
    '--hub')
        __qq_add_names < <(__qq_custom_complete ---completion sendfile -- --hub "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    '--nick')
        __qq_add_names < <(__qq_custom_complete ---completion sendfile -- --nick "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    '--timeout')
        return
        ;;
    '--wait')
        __qq_add_completions -W 'stored'$'\n''delivered'
        return
        ;;
    '--name')
        return
        ;;
    '--limit')
        return
        ;;
    '--id')
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    1)
        __qq_add_names < <(__qq_custom_complete ---completion sendfile -- positional@0 "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    *)
        __qq_add_completions -f
        return
        ;;
    esac
}

_qq_listen() {
    repeating_flags=()
    non_repeating_flags=(--json --text --quiet -q --verbose -v --plaintext --new --version -h --help)
    repeating_options=()
    non_repeating_options=(--hub --nick --timeout --since --cursor -n --count --idle --from --match --type --exec --retries --save --save-limit)
    __qq_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--hub')
        __qq_add_names < <(__qq_custom_complete ---completion listen -- --hub "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    '--nick')
        __qq_add_names < <(__qq_custom_complete ---completion listen -- --nick "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    '--timeout')
        return
        ;;
    '--since')
        return
        ;;
    '--cursor')
        return
        ;;
    '-n'|'--count')
        return
        ;;
    '--idle')
        return
        ;;
    '--from')
        __qq_add_names < <(__qq_custom_complete ---completion listen -- --from "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    '--match')
        return
        ;;
    '--type')
        return
        ;;
    '--exec')
        __qq_add_names < <(eval 'true')
        return
        ;;
    '--retries')
        return
        ;;
    '--save')
        __qq_add_completions -d
        return
        ;;
    '--save-limit')
        __qq_add_names < <(eval 'true')
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    1)
        __qq_add_names < <(__qq_custom_complete ---completion listen -- positional@0 "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    esac
}

_qq_chat() {
    repeating_flags=()
    non_repeating_flags=(--json --text --quiet -q --verbose -v --plaintext --no-bell --version -h --help)
    repeating_options=()
    non_repeating_options=(--hub --nick --timeout --cursor)
    __qq_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--hub')
        __qq_add_names < <(__qq_custom_complete ---completion chat -- --hub "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    '--nick')
        __qq_add_names < <(__qq_custom_complete ---completion chat -- --nick "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    '--timeout')
        return
        ;;
    '--cursor')
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    1)
        __qq_add_names < <(__qq_custom_complete ---completion chat -- positional@0 "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    esac
}

_qq_get() {
    repeating_flags=()
    non_repeating_flags=(--json --text --quiet -q --verbose -v --plaintext --version -h --help)
    repeating_options=()
    non_repeating_options=(--hub --nick --timeout -o --output)
    __qq_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--hub')
        __qq_add_names < <(__qq_custom_complete ---completion get -- --hub "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    '--nick')
        __qq_add_names < <(__qq_custom_complete ---completion get -- --nick "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    '--timeout')
        return
        ;;
    '-o'|'--output')
        __qq_add_completions -f
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    1)
        __qq_add_names < <(__qq_custom_complete ---completion get -- positional@0 "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    esac
}

_qq_who() {
    repeating_flags=()
    non_repeating_flags=(--json --text --quiet -q --verbose -v --plaintext --all --hubs --watch --version -h --help)
    repeating_options=()
    non_repeating_options=(--hub --nick --timeout --wait)
    __qq_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--hub')
        __qq_add_names < <(__qq_custom_complete ---completion who -- --hub "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    '--nick')
        __qq_add_names < <(__qq_custom_complete ---completion who -- --nick "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    '--timeout')
        return
        ;;
    '--wait')
        __qq_add_names < <(__qq_custom_complete ---completion who -- --wait "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    esac
}

_qq_history() {
    repeating_flags=()
    non_repeating_flags=(--json --text --quiet -q --verbose -v --plaintext --version -h --help)
    repeating_options=()
    non_repeating_options=(--hub --nick --timeout --since --limit --match)
    __qq_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--hub')
        __qq_add_names < <(__qq_custom_complete ---completion history -- --hub "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    '--nick')
        __qq_add_names < <(__qq_custom_complete ---completion history -- --nick "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    '--timeout')
        return
        ;;
    '--since')
        return
        ;;
    '--limit')
        return
        ;;
    '--match')
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    1)
        __qq_add_names < <(__qq_custom_complete ---completion history -- positional@0 "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    esac
}

_qq_join() {
    repeating_flags=()
    non_repeating_flags=(--json --text --quiet -q --verbose -v --plaintext --version -h --help)
    repeating_options=()
    non_repeating_options=(--hub --nick --timeout)
    __qq_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--hub')
        __qq_add_names < <(__qq_custom_complete ---completion join -- --hub "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    '--nick')
        __qq_add_names < <(__qq_custom_complete ---completion join -- --nick "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    '--timeout')
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    1)
        __qq_add_names < <(__qq_custom_complete ---completion join -- positional@0 "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    esac
}

_qq_leave() {
    repeating_flags=()
    non_repeating_flags=(--json --text --quiet -q --verbose -v --plaintext --version -h --help)
    repeating_options=()
    non_repeating_options=(--hub --nick --timeout)
    __qq_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--hub')
        __qq_add_names < <(__qq_custom_complete ---completion leave -- --hub "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    '--nick')
        __qq_add_names < <(__qq_custom_complete ---completion leave -- --nick "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    '--timeout')
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    1)
        __qq_add_names < <(__qq_custom_complete ---completion leave -- positional@0 "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    esac
}

_qq_nick() {
    repeating_flags=()
    non_repeating_flags=(--json --text --quiet -q --verbose -v --plaintext --version -h --help)
    repeating_options=()
    non_repeating_options=(--hub --nick --timeout)
    __qq_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--hub')
        __qq_add_names < <(__qq_custom_complete ---completion nick -- --hub "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    '--nick')
        __qq_add_names < <(__qq_custom_complete ---completion nick -- --nick "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    '--timeout')
        return
        ;;
    esac
}

_qq_alias() {
    repeating_flags=()
    non_repeating_flags=(--json --text --quiet -q --verbose -v --remove --version -h --help)
    repeating_options=()
    non_repeating_options=()
    __qq_offer_flags_options 2
}

_qq_invite() {
    repeating_flags=()
    non_repeating_flags=(--json --text --quiet -q --verbose -v --plaintext --version -h --help)
    repeating_options=(--address)
    non_repeating_options=(--hub --nick --timeout --for --expires)
    __qq_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--hub')
        __qq_add_names < <(__qq_custom_complete ---completion invite -- --hub "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    '--nick')
        __qq_add_names < <(__qq_custom_complete ---completion invite -- --nick "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    '--timeout')
        return
        ;;
    '--for')
        return
        ;;
    '--expires')
        return
        ;;
    '--address')
        return
        ;;
    esac
}

_qq_accept() {
    repeating_flags=()
    non_repeating_flags=(--json --text --quiet -q --verbose -v --plaintext --version -h --help)
    repeating_options=()
    non_repeating_options=(--hub --nick --timeout)
    __qq_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--hub')
        __qq_add_names < <(__qq_custom_complete ---completion accept -- --hub "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    '--nick')
        __qq_add_names < <(__qq_custom_complete ---completion accept -- --nick "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    '--timeout')
        return
        ;;
    esac
}

_qq_trust() {
    repeating_flags=()
    non_repeating_flags=(--json --text --quiet -q --verbose -v --replace --version -h --help)
    repeating_options=()
    non_repeating_options=(--key --timeout)
    __qq_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--key')
        return
        ;;
    '--timeout')
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    1)
        __qq_add_names < <(__qq_custom_complete ---completion trust -- positional@0 "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    esac
}

_qq_admin() {
    repeating_flags=()
    non_repeating_flags=(--version -h --help)
    repeating_options=()
    non_repeating_options=()
    __qq_offer_flags_options 0

    # Offer subcommand / subcommand argument completions
    local -r subcommand="${unparsed_words[0]}"
    unset 'unparsed_words[0]'
    unparsed_words=("${unparsed_words[@]}")
    case "${subcommand}" in
    members|remove|restore|invites|revoke|backup)
        # Offer subcommand argument completions
        "_qq_admin_${subcommand}"
        ;;
    *)
        # Offer subcommand completions
        COMPREPLY+=($(compgen -W 'members remove restore invites revoke backup' -- "${cur}"))
        ;;
    esac
}

_qq_admin_members() {
    repeating_flags=()
    non_repeating_flags=(--json --text --quiet -q --verbose -v --plaintext --version -h --help)
    repeating_options=()
    non_repeating_options=(--hub --nick --timeout)
    __qq_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--hub')
        __qq_add_names < <(__qq_custom_complete ---completion admin members -- --hub "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    '--nick')
        __qq_add_names < <(__qq_custom_complete ---completion admin members -- --nick "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    '--timeout')
        return
        ;;
    esac
}

_qq_admin_remove() {
    repeating_flags=()
    non_repeating_flags=(--json --text --quiet -q --verbose -v --plaintext --version -h --help)
    repeating_options=()
    non_repeating_options=(--hub --nick --timeout)
    __qq_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--hub')
        __qq_add_names < <(__qq_custom_complete ---completion admin remove -- --hub "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    '--nick')
        __qq_add_names < <(__qq_custom_complete ---completion admin remove -- --nick "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    '--timeout')
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    1)
        __qq_add_names < <(__qq_custom_complete ---completion admin remove -- positional@0 "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    esac
}

_qq_admin_restore() {
    repeating_flags=()
    non_repeating_flags=(--json --text --quiet -q --verbose -v --plaintext --version -h --help)
    repeating_options=()
    non_repeating_options=(--hub --nick --timeout)
    __qq_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--hub')
        __qq_add_names < <(__qq_custom_complete ---completion admin restore -- --hub "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    '--nick')
        __qq_add_names < <(__qq_custom_complete ---completion admin restore -- --nick "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    '--timeout')
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    1)
        __qq_add_names < <(__qq_custom_complete ---completion admin restore -- positional@0 "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    esac
}

_qq_admin_invites() {
    repeating_flags=()
    non_repeating_flags=(--json --text --quiet -q --verbose -v --plaintext --version -h --help)
    repeating_options=()
    non_repeating_options=(--hub --nick --timeout)
    __qq_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--hub')
        __qq_add_names < <(__qq_custom_complete ---completion admin invites -- --hub "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    '--nick')
        __qq_add_names < <(__qq_custom_complete ---completion admin invites -- --nick "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    '--timeout')
        return
        ;;
    esac
}

_qq_admin_revoke() {
    repeating_flags=()
    non_repeating_flags=(--json --text --quiet -q --verbose -v --plaintext --version -h --help)
    repeating_options=()
    non_repeating_options=(--hub --nick --timeout)
    __qq_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--hub')
        __qq_add_names < <(__qq_custom_complete ---completion admin revoke -- --hub "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    '--nick')
        __qq_add_names < <(__qq_custom_complete ---completion admin revoke -- --nick "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    '--timeout')
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    1)
        __qq_add_names < <(__qq_custom_complete ---completion admin revoke -- positional@0 "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    esac
}

_qq_admin_backup() {
    repeating_flags=()
    non_repeating_flags=(--json --text --quiet -q --verbose -v --plaintext --version -h --help)
    repeating_options=()
    non_repeating_options=(--hub --nick --timeout --keep)
    __qq_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--hub')
        __qq_add_names < <(__qq_custom_complete ---completion admin backup -- --hub "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    '--nick')
        __qq_add_names < <(__qq_custom_complete ---completion admin backup -- --nick "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    '--timeout')
        return
        ;;
    '--keep')
        return
        ;;
    esac
}

_qq_status() {
    repeating_flags=()
    non_repeating_flags=(--json --text --quiet -q --verbose -v --plaintext --watch --version -h --help)
    repeating_options=()
    non_repeating_options=(--hub --nick --timeout)
    __qq_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--hub')
        __qq_add_names < <(__qq_custom_complete ---completion status -- --hub "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    '--nick')
        __qq_add_names < <(__qq_custom_complete ---completion status -- --nick "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    '--timeout')
        return
        ;;
    esac
}

_qq_whoami() {
    repeating_flags=()
    non_repeating_flags=(--json --text --quiet -q --verbose -v --plaintext --version -h --help)
    repeating_options=()
    non_repeating_options=(--hub --nick --timeout --cursor)
    __qq_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--hub')
        __qq_add_names < <(__qq_custom_complete ---completion whoami -- --hub "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    '--nick')
        __qq_add_names < <(__qq_custom_complete ---completion whoami -- --nick "${COMP_CWORD}" "$(__qq_cursor_index_in_current_word)")
        return
        ;;
    '--timeout')
        return
        ;;
    '--cursor')
        return
        ;;
    esac
}

_qq_help() {
    repeating_flags=()
    non_repeating_flags=(--version)
    repeating_options=()
    non_repeating_options=()
    __qq_offer_flags_options -1
}

complete -o filenames -F _qq qq

# What stands on standard input, a name a line, as far as it goes on with the current word.
__qq_add_names() {
    local name
    while IFS='' read -r name; do
        if [[ -n "${name}" && "${name}" == "${cur}"* ]]; then
            [[ "${name}" == *[!a-zA-Z0-9@._:,%-]* ]] && printf -v name %q "${name}"
            COMPREPLY+=("${name}")
        fi
    done
}

# Groups begin with "@", at which bash begins another word, since a host's name might follow.
shopt -u hostcomplete
COMP_WORDBREAKS=${COMP_WORDBREAKS//@}
