import ForkbenchCore
import Testing
