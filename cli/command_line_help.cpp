// `troupe completion` and `troupe help`.
#include <algorithm>
#include <cstdio>
#include <iostream>

#include "cli/command_line_app.hpp"
#include "cli/completion.hpp"
#include "cli/manual.hpp"
#include "cli/suggestion.hpp"
#include "cli/topics.hpp"

namespace troupe::cli {

namespace {

int print(const std::string& text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  return written ? exit_done : exit_failed;
}

/// Everything that `help` explains.
std::vector<std::string> subjects_of(const command_line& line) {
  std::vector<std::string> names;
  for (const auto* command : line.app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  for (const auto& topic : all_topics())
    names.emplace_back(topic.name);
  return names;
}

std::string overview(const command_line& line) {
  auto text = program_help(line);
  text.erase(text.find_last_not_of('\n') + 1);
  text += "\n\nTopics:\n";
  std::size_t width = 0;
  for (const auto& topic : all_topics())
    width = std::max(width, topic.name.size());
  for (const auto& topic : all_topics()) {
    text.append("  ").append(topic.name).append(width - topic.name.size() + 2, ' ');
    text.append(topic.summary).append("\n");
  }
  return text;
}

int help(const command_line& line) {
  if (line.subject.empty())
    return print(overview(line));
  // For who builds or packages troupe: in no list of subjects.
  if (line.subject == "man")
    return print(manual_page(tree_of(line)));
  if (line.subject == "settings.md")
    return print(settings_document());
  std::string text;
  for (const auto* command : line.app.get_subcommands([](const CLI::App*) { return true; }))
    if (command->get_name() == line.subject)
      text = command->get_formatter()->make_help(command, "troupe " + line.subject, CLI::AppFormatMode::Normal);
  // `routes` is both: the command first, then what it lists.
  if (const auto* topic = find_topic(line.subject))
    text += (text.empty() ? "" : "\n") + text_of(*topic);
  if (!text.empty())
    return print(text);
  std::cerr << "troupe: there is no command or topic '" << line.subject << "'"
            << did_you_mean(line.subject, subjects_of(line)) << "; `troupe help` lists them\n";
  return exit_usage;
}

int completion(const command_line& line) {
  const auto script = completion_script(line.shell, tree_of(line));
  if (script)
    return print(*script);
  std::cerr << "troupe: " << script.error().what << "\n";
  return exit_usage;
}

}  // namespace

void declare_help_commands(command_line& line) {
  auto* completes = line.app.add_subcommand("completion", "Print a script that completes troupe's commands in a shell");
  auto* shell = completes->add_option("SHELL", line.shell, "bash, zsh or fish")->required()->option_text("");
  line.hints[shell] = {value_kind::choice, completion_shells()};
  completes->footer(
      "Examples:\n"
      "  troupe completion bash > ~/.local/share/bash-completion/completions/troupe\n"
      "  troupe completion zsh > ~/.zfunc/_troupe            # with ~/.zfunc in fpath, before compinit\n"
      "  troupe completion fish > ~/.config/fish/completions/troupe.fish\n"
      "  source <(troupe completion bash)                    # this bash only\n");
  completes->callback([&line] { line.run = [&line] { return completion(line); }; });

  auto* helps = line.app.add_subcommand("help", "Explain a command or a topic");
  auto* subject = helps->add_option("SUBJECT", line.subject, "A command or a topic; without one all are listed");
  subject->option_text("");
  // The commands themselves are complete by now, but for this one.
  line.hints[subject] = {value_kind::choice, subjects_of(line)};
  helps->footer(
      "Examples:\n"
      "  troupe help\n"
      "  troupe help deploy\n"
      "  troupe help settings\n");
  helps->callback([&line] { line.run = [&line] { return help(line); }; });
}

}  // namespace troupe::cli
