"""What a conversation, a flow or a person is remembered by."""
