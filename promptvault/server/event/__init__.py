"""Events: devices that listen are notified when a vault has changed."""
