# SPDX-License-Identifier: MIT
# completes.zsh DIRECTORY LINE...: what each line becomes when Tab is pressed behind it, in an interactive zsh
# that finds completion functions in DIRECTORY. One line each, as <line>.
directory=$1 shown=$1/shown
shift
zmodload zsh/zpty
zpty shell 'PS1= zsh -f -i'
zpty -w shell "fpath=($directory \$fpath)
autoload -Uz compinit; compinit -u -D
bindkey -e; setopt nobeep
show() { print -r -- \"<\$BUFFER>\" > $shown.part; BUFFER=; mv $shown.part $shown }
zle -N show; bindkey '^X' show
echo rea''dy"
zpty -r shell said '*ready*'
for line; do
  zpty -w -n shell "$line"$'\t\C-x'
  repeat 100; do [[ -s $shown ]] && break; sleep 0.05; done
  cat $shown
  rm -f $shown
done
zpty -d shell
