# after phx_join
event='phx_'"joined"
echo "$event"
