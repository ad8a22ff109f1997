#!/bin/sh
# Needs COLLOQUY_TOKEN: an access token, or an API key with the scopes documents:write and chat.
set -eu
API=http://127.0.0.1:8000/api/v1
AUTH="Authorization: Bearer $COLLOQUY_TOKEN"
echo 'Sostratus built the lighthouse.' > /tmp/lighthouse.md
ID=$(curl -fsS "$API/documents" -H "$AUTH" -F files=@/tmp/lighthouse.md | sed 's/.*"document":{"id":"\([^"]*\).*/\1/')
curl -fsSN "$API/documents/$ID/events" -H "$AUTH" # Ends when the document is ready.
curl -fsSN "$API/chat/query/stream" -H "$AUTH" -H 'Content-Type: application/json' \
  -d '{"query": "Who built the lighthouse?"}'
