
# The first completion loads this file; later ones go straight to what `complete` has set.
_bash_complete -o nospace -o bashdefault -o default -F _rins
