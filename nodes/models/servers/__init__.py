"""What all model servers share: addresses, errors in words, waiting, LangChain's classes."""
