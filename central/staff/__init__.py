"""The staff's menu: calls, notices and messages of one's ward by telephone."""
