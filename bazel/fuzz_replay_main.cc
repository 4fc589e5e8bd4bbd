// main() for a fuzz target that is built without libFuzzer: runs each file named on the command line, and the same
// mutations of it every time, through LLVMFuzzerTestOneInput. A property that does not hold aborts; the last line
// printed says which input it was.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

constexpr int kMutationsPerFile = 100;

void RunOne(const std::string& input) {
  // A copy of exactly this size, so that a sanitizer sees each read past its end.
  const std::vector<uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

// One of: a bit flipped, a byte replaced, a piece removed, a piece repeated, an end cut off.
std::string Mutate(std::string input, std::minstd_rand& random) {
  if (input.empty()) return std::string(1, static_cast<char>(random() & 0xFF));
  const size_t at = random() % input.size();
  const size_t length = 1 + random() % std::min<size_t>(input.size() - at, 32);
  switch (random() % 5) {
    case 0:
      input[at] = static_cast<char>(input[at] ^ (1 << (random() % 8)));
      break;
    case 1:
      input[at] = static_cast<char>(random() & 0xFF);
      break;
    case 2:
      input.erase(at, length);
      break;
    case 3:
      input.insert(at, input.substr(at, length));
      break;
    default:
      input.resize(at);
  }
  return input;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "%s: no corpus files given\n", argv[0]);
    return 2;
  }
  for (int i = 1; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    if (!file) {
      std::fprintf(stderr, "%s: cannot read\n", argv[i]);
      return 2;
    }
    const std::string input{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    std::fprintf(stderr, "%s\n", argv[i]);
    RunOne(input);
    std::minstd_rand random(1);
    std::string mutated = input;
    for (int n = 0; n < kMutationsPerFile; ++n) {
      // Mostly one step away from the file, now and then further.
      mutated = Mutate(n % 4 == 3 ? mutated : input, random);
      std::fprintf(stderr, "%s, mutation %d\n", argv[i], n);
      RunOne(mutated);
    }
  }
  return 0;
}
