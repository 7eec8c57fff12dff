"""What a law looks at while a source lives: the loop, the waits, the leftovers, the disk, the clock."""
