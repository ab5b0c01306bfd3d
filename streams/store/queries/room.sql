SELECT filesystemAvailable() AS bytes
