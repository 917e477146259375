import Spawn
