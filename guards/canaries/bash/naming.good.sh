# CONVEX_URL went with the service
export SPACETIME_URL=http://127.0.0.1:3000
