event='phx_'"join"
echo "$event"
