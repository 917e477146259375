import Glibc
import Spawn

exit(Supervisor.main(CommandLine.arguments))
