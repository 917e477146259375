extension CompletionCommand.Shell {
    /// What a person's shell reads. It knows no command of Weir: it asks `weir __complete`, and says what to do with the answer.
    var script: String {
        switch self {
        case .bash: Self.bashScript
        case .zsh: Self.zshScript
        case .fish: Self.fishScript
        }
    }

    private static let bashScript = #"""
        # Completion of weir for bash 4.4 or later: source <(weir completion bash)
        _weir() {
            local program=$1 typed=$2 index piece gap line word strip files=
            local rest=${COMP_LINE:0:COMP_POINT}
            local -a words=() names=()
            rest=${rest#*"${COMP_WORDS[0]}"}
            # COMP_WORDS is cut at the characters of COMP_WORDBREAKS, such as ':' and '='. What no blank divides is one word.
            for ((index = 1; index <= COMP_CWORD; index++)); do
                gap=${rest%%[![:space:]]*}
                rest=${rest#"$gap"}
                piece=${COMP_WORDS[index]}
                # The last one counts up to the cursor.
                ((index < COMP_CWORD)) || piece=$rest
                rest=${rest#"$piece"}
                if [[ -z $gap ]] && ((${#words[@]} > 0)); then
                    words[${#words[@]} - 1]+=$piece
                else
                    words+=("$piece")
                fi
            done
            ((${#words[@]} > 0)) || words=("")
            word=${words[${#words[@]} - 1]}
            # What stands before that which readline replaces.
            strip=${word%"$typed"}
            COMPREPLY=()
            while IFS= read -r line; do
                case $line in
                    :files) files=default ;;
                    :directories) files=dirnames ;;
                    *) names+=("${line%%$'\t'*}") ;;
                esac
            done < <("$program" __complete --quoted -- "${words[@]}" 2>/dev/null)
            [[ -z $files ]] || compopt -o "$files" 2>/dev/null
            ((${#names[@]} > 0)) || return 0
            for line in "${names[@]}"; do
                if [[ $word == [\'\"]* ]]; then
                    # The quote stays, and readline closes it.
                    COMPREPLY+=("$line")
                else
                    line=${line#"$strip"}
                    printf -v line %q "$line"
                    COMPREPLY+=("$line")
                fi
            done
            if ((${#COMPREPLY[@]} == 1)) && [[ ${COMPREPLY[0]} == *= ]]; then compopt -o nospace 2>/dev/null; fi
            return 0
        }
        complete -o nosort -F _weir weir

        """#

    private static let zshScript = #"""
        #compdef weir
        # Completion of weir for zsh: source <(weir completion zsh) after compinit, or as _weir in a folder of $fpath
        _weir() {
            local line text help files
            local -i width=0 done=1
            local -a words_before names helps shown open
            words_before=("${(@Q)words[2,CURRENT-1]}")
            while IFS= read -r line; do
                text=${line%%$'\t'*}
                help=
                [[ $line == *$'\t'* ]] && help=${line#*$'\t'}
                case $text in
                    (:files | :directories) files=$text ;;
                    (*=) open+=("$text") ;;
                    (*)
                        names+=("$text")
                        helps+=("$help")
                        ((${#text} > width)) && width=${#text}
                        ;;
                esac
            done < <("${(Q)words[1]}" __complete -- "${words_before[@]}" "${(Q)PREFIX}" 2>/dev/null)
            local -i index
            for ((index = 1; index <= ${#names}; index++)); do
                text=$names[index]
                [[ -n $helps[index] ]] && text="${(r:width:)text}  -- $helps[index]"
                shown+=("$text")
            done
            # -V: in the order of the answer, newest first.
            if ((${#names})); then
                if [[ -n ${(j::)helps} ]]; then
                    compadd -l -V weir -d shown -a names && done=0
                else
                    compadd -V weir -a names && done=0
                fi
            fi
            ((${#open})) && compadd -S '' -V weir-open -a open && done=0
            if [[ -n $files ]]; then
                [[ $PREFIX == -*=* ]] && compset -P '*='
                if [[ $files == :directories ]]; then _files -/ && done=0; else _files && done=0; fi
            fi
            return done
        }
        if [[ $funcstack[1] == _weir ]]; then _weir "$@"; else compdef _weir weir; fi

        """#

    private static let fishScript = #"""
        # Completion of weir for fish: weir completion fish | source, or as ~/.config/fish/completions/weir.fish
        function __weir_complete
            set -l words (commandline -opc)
            set -l program $words[1]
            set -e words[1]
            set -l word (commandline -ct)
            set -l head (string match -r -- '^-[^=]*=' "$word")
            for line in ($program __complete -- $words "$word" 2>/dev/null)
                switch $line
                    case ':files'
                        for path in (__fish_complete_path (string sub -s (math 1 + (string length -- "$head")) -- "$word"))
                            echo -- "$head$path"
                        end
                    case ':directories'
                        for path in (__fish_complete_directories (string sub -s (math 1 + (string length -- "$head")) -- "$word"))
                            echo -- "$head$path"
                        end
                    case '*'
                        echo -- $line
                end
            end
        end
        complete -c weir -f -k -a '(__weir_complete)'

        """#
}
