// `troupe native-host` without the rest of the program, so that its tests need not wait for that to be built.
#include "functions/native_host.hpp"

int main() {
  return troupe::functions::run_native_host();
}
