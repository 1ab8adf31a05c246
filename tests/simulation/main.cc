// saker_simulate: runs seeds of the simulation, one after the other, and stops at the first that
// finds a rule broken, with the command that replays it.
//   saker_simulate --seed 17 --trace     one seed, told in every detail
//   saker_simulate --seeds 500           seeds 1 to 500
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <optional>
#include <random>
#include <string_view>

#include "saker/rpc/frame_pool.h"

#include "allocations.h"
#include "statistics.h"

extern "C" void __sanitizer_set_death_callback(void (*callback)()) __attribute__((weak));

namespace {

using saker::simulation::RunResult;
using saker::simulation::Statistics;
using Clock = std::chrono::steady_clock;

constexpr time_t kSecondsASeed = 120;  // of CPU time: then it is said to hang

constexpr const char* kHelp =
    R"(Usage: saker_simulate [OPTION...]
Runs real clients and servers in a simulated world, whose faults a seed decides, and checks what must
hold whatever happens. docs/testing.md says what is done and checked.
  --seed N      this seed only
  --trace       with --seed: tell everything that happens
  --seeds N     seeds 1 to N, or from --first on (default 200)
  --first N     the first of them (default 1)
  --fresh N     and N seeds that nobody has chosen
  --hours H     fresh seeds for so long (0.5 is half an hour), beside --seeds
  --twice N     every Nth seed is run a second time, and must come out the same (default 50)
  --progress    say how far it is, each ten seconds
SIGINT and SIGTERM end it after the seed that runs; what has been done is counted.
Exit code: 0 all held, 1 a rule was broken, 2 usage.
)";

struct Options {
  std::optional<uint64_t> seed;
  uint64_t first = 1;
  std::optional<uint64_t> seeds;
  uint64_t fresh = 0;
  double hours = 0;
  uint64_t twice = 50;
  bool trace = false;
  bool progress = false;
};

// What is said when a seed ends the whole process.
char last_words[160];
size_t last_words_size = 0;

// Asked to end: the seed that runs is the last one.
volatile sig_atomic_t is_stopped = 0;

void stop_after_this_seed(int) {
  is_stopped = 1;
}

void say_last_words() {
  (void)!write(STDERR_FILENO, last_words, last_words_size);
}
void on_signal(int number) {
  say_last_words();
  signal(number, SIG_DFL);
  raise(number);
}

std::string replay_command(uint64_t seed) {
  return "./dev simulate --seed " + std::to_string(seed) + " --trace";
}

void prepare_last_words(uint64_t seed) {
  const int size =
      std::snprintf(last_words, sizeof last_words, "seed %llu ended the process; replay it: %s\n",
                    static_cast<unsigned long long>(seed), replay_command(seed).c_str());
  last_words_size = static_cast<size_t>(size);
  const itimerval patience{.it_interval = {}, .it_value = {.tv_sec = kSecondsASeed, .tv_usec = 0}};
  setitimer(ITIMER_VIRTUAL, &patience, nullptr);
}

void install_handlers() {
  for (const int number : {SIGINT, SIGTERM}) signal(number, stop_after_this_seed);
  for (const int number : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGVTALRM}) signal(number, on_signal);
  if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(say_last_words);
}

class Simulation {
 public:
  explicit Simulation(const Options& options) : options_(options) {}

  bool run();

 private:
  bool run_one(uint64_t seed);
  bool run_range();
  bool run_fresh();
  void report_progress();
  double seconds() const { return std::chrono::duration<double>(Clock::now() - started_).count(); }

  const Options& options_;
  const Clock::time_point started_ = Clock::now();
  double reported_at_ = 0;
  Statistics statistics_;
};

bool fail_seed(uint64_t seed, const std::string& why) {
  std::printf("seed %llu: %s\nreplay it: %s\n", static_cast<unsigned long long>(seed), why.c_str(),
              replay_command(seed).c_str());
  return false;
}

// Coroutine frames are kept for the next call.
int64_t living() {
  return saker::simulation::live_allocations() - static_cast<int64_t>(saker::rpc::kept_frames());
}

bool Simulation::run_one(uint64_t seed) {
  prepare_last_words(seed);
  const int64_t before = living();
  std::function<void(const std::string&)> trace;
  if (options_.trace) trace = [](const std::string& line) { std::puts(line.c_str()); };
  std::string why;
  {
    const RunResult result = saker::simulation::run_seed(seed, trace);
    statistics_.add(result);
    why = result.violation;
    if (why.empty() && options_.twice != 0 && seed % options_.twice == 0) {
      const RunResult again = saker::simulation::run_seed(seed);
      if (again.hash != result.hash) why = "a second run came out differently";
    }
  }
  const int64_t left = living() - before;
  // The first seed of a process makes what lives as long as the process.
  if (why.empty() && left > 0 && statistics_.seeds() > 1) {
    why = std::to_string(left) + " allocations were not given back";
  }
  report_progress();
  return why.empty() || fail_seed(seed, why);
}

void Simulation::report_progress() {
  constexpr double kEvery = 10;
  if (!options_.progress || seconds() - reported_at_ < kEvery) return;
  reported_at_ = seconds();
  std::printf("%.0f s: %llu seeds, %llu calls, %llu faults\n", reported_at_,
              static_cast<unsigned long long>(statistics_.seeds()),
              static_cast<unsigned long long>(statistics_.calls()),
              static_cast<unsigned long long>(statistics_.faults()));
  std::fflush(stdout);
}

bool Simulation::run_range() {
  const bool chooses = options_.seeds.has_value() || options_.hours == 0;
  const uint64_t count = chooses ? options_.seeds.value_or(200) : 0;
  for (uint64_t seed = options_.first; seed < options_.first + count; ++seed) {
    if (is_stopped != 0) break;
    if (!run_one(seed)) return false;
  }
  return true;
}

bool Simulation::run_fresh() {
  constexpr double kSecondsAnHour = 3600;
  std::random_device chance;
  for (uint64_t count = 0; count < options_.fresh || seconds() < options_.hours * kSecondsAnHour;
       ++count) {
    if (is_stopped != 0) break;
    const uint64_t seed = uint64_t{chance()} << 16 ^ chance();
    if (count < options_.fresh) {
      std::printf("fresh seed %llu\n", static_cast<unsigned long long>(seed));
      std::fflush(stdout);
    }
    if (!run_one(seed)) return false;
  }
  return true;
}

bool Simulation::run() {
  const bool held = options_.seed ? run_one(*options_.seed) : run_range() && run_fresh();
  std::fputs(statistics_.table(seconds()).c_str(), stdout);
  return held;
}

template <typename Number>
bool read_number(const char* text, Number& number) {
  const char* end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, number);
  return error == std::errc() && stop == end;
}

// False: not an option with a value, or not a number.
bool read_value(std::string_view name, const char* text, Options& options) {
  uint64_t number = 0;
  if (name == "--hours") return read_number(text, options.hours);
  if (!read_number(text, number)) return false;
  if (name == "--seed") return options.seed = number, true;
  if (name == "--seeds") return options.seeds = number, true;
  if (name == "--first") return options.first = number, true;
  if (name == "--fresh") return options.fresh = number, true;
  if (name == "--twice") return options.twice = number, true;
  return false;
}

std::optional<Options> read_options(int count, char** arguments) {
  Options options;
  for (int at = 1; at < count; ++at) {
    const std::string_view name = arguments[at];
    if (name == "--trace") {
      options.trace = true;
    } else if (name == "--progress") {
      options.progress = true;
    } else if (at + 1 == count || !read_value(name, arguments[++at], options)) {
      return std::nullopt;
    }
  }
  return options;
}

}  // namespace

int main(int count, char** arguments) {
  if (count == 2 && std::string_view(arguments[1]) == "--help") {
    std::fputs(kHelp, stdout);
    return 0;
  }
  const auto options = read_options(count, arguments);
  if (!options) {
    std::fputs(kHelp, stderr);
    return 2;
  }
  install_handlers();
  return Simulation(*options).run() ? 0 : 1;
}
