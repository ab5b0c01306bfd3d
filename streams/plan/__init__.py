"""What some traffic needs: processes, memory, disk, network and money, from rates measured on a machine."""
