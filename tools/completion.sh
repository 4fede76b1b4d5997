# Completes commands, flags, their values, and config keys; everything else is a file. bash, and zsh through bashcompinit.

# Offers the candidates that begin with CURRENT. bash cuts words at '=': what stands before the cut stays as it is. zsh would
# put a space behind "key=", so there the space is part of the words that are whole.
_rins_offer() { # PREFIX-TO-CUT CANDIDATES CURRENT
    local word space=""
    [ -z "${ZSH_VERSION-}" ] || space=" "
    COMPREPLY=()
    for word in $2; do
        case $word in
        "$3"*=) COMPREPLY+=("${word#"$1"}") ;;
        "$3"*) COMPREPLY+=("${word#"$1"}$space") ;;
        esac
    done
}

# Keys up to their '=' until one is chosen, then its values.
_rins_offer_keys() { # PREFIX-TO-CUT CURRENT
    local word some=""
    for word in $_rins_keys; do
        case $2:$word in
        *=*:*=) ;;
        *=*:* | *:*=) some="$some $word" ;;
        esac
    done
    _rins_offer "$1" "$some" "$2"
    case ${COMPREPLY[*]-} in
    *=) compopt -o nospace 2>/dev/null ;;
    esac
}

_rins() {
    local line=${COMP_LINE:0:$COMP_POINT} words="" flags="" takes="" values="" keys=""
    local current=${line##*[[:space:]]} i word command="" actions="" action="" previous="" seen=0 cut=""
    COMPREPLY=()
    _rins_table ""
    for ((i = 1; i < COMP_CWORD; i++)); do # where are we? bash gives "=" as a word of its own
        word=${COMP_WORDS[i]}
        if [ "$word" = = ] || [ "$word" = : ]; then
            previous=""
        elif [ -z "$command" ]; then
            command=$word
            _rins_table "$command"
            [ -n "$takes" ] || actions=$words
        elif [ -n "$actions" ] && [ -z "$action" ]; then
            action=$word
            _rins_table "$command $action"
        elif [ "${word#--}" != "$word" ]; then
            previous=$word
        else
            case $takes in *" $previous "*) ;; *) seen=$((seen + 1)) ;; esac
            previous=""
        fi
    done
    case ${COMP_WORDBREAKS-}:$current in *=*:*=*) cut=${current%=*}= ;; esac

    case $takes in
    *" $previous "*) # its value: one of a choice, else a file
        _rins_offer "$previous=" "$values" "$previous=$current"
        return 0
        ;;
    esac
    case $current in
    --*=*) _rins_offer "$cut" "$values" "$current" ;;
    -*) _rins_offer "" "$flags" "$current" ;;
    *)
        if [ -z "$command" ] || { [ -n "$words" ] && [ "$seen" = 0 ]; }; then
            _rins_offer "" "$words" "$current"
        elif [ -n "$keys" ] && [ "$((seen + 1))" -ge "$keys" ]; then
            _rins_offer_keys "$cut" "$current"
        fi
        ;;
    esac
    return 0
}

if [ -n "${ZSH_VERSION-}" ]; then
    autoload -U +X bashcompinit && bashcompinit
    complete -o nospace -o bashdefault -o default -F _rins rins
else
    complete -o bashdefault -o default -F _rins rins
fi
