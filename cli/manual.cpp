// troupe(1) in the language of man pages.
#include "cli/manual.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "cli/topics.hpp"
#include "config/settings.hpp"

namespace troupe::cli {

namespace {

/// Text that a formatter fills: nothing in it is a request or an escape.
std::string escaped(std::string_view text) {
  std::string out;
  bool line_begins = true;
  for (const char c : text) {
    if (line_begins && (c == '.' || c == '\''))
      out += "\\&";
    line_begins = c == '\n';
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else if (c == '\'')
      out += "\\(aq";
    else if (c == '`')
      out += "\\(ga";
    else if (c == '^')
      out += "\\(ha";
    else if (c == '~')
      out += "\\(ti";
    else
      out += c;
  }
  return out;
}

std::string bold(std::string_view text) {
  return "\\fB" + escaped(text) + "\\fR";
}
std::string italic(std::string_view text) {
  return "\\fI" + escaped(text) + "\\fR";
}

void section(std::string& page, std::string_view title) {
  page.append(".SH ").append(title).append("\n");
}
void part(std::string& page, const std::string& title) {
  page.append(".SS \"").append(title).append("\"\n");
}
void entry(std::string& page, const std::string& tag, std::string_view text) {
  page.append(".TP\n").append(tag).append("\n").append(escaped(text)).append("\n");
}
void paragraph(std::string& page, std::string_view text) {
  page.append(".PP\n").append(escaped(text)).append("\n");
}
/// Lines as they are.
void listing(std::string& page, std::string_view text) {
  page.append(".PP\n.nf\n").append(escaped(text));
  if (!text.ends_with('\n'))
    page += '\n';
  page += ".fi\n";
}

void add_flags(std::string& page, const std::vector<flag_description>& flags) {
  for (const auto& flag : flags) {
    std::string tag;
    for (const auto& name : flag.names)
      tag.append(tag.empty() ? "" : ", ").append(bold(name));
    if (!flag.placeholder.empty())
      tag.append(" ").append(italic(flag.placeholder));
    entry(page, tag, flag.help);
  }
}

void add_command(std::string& page, const command_description& command) {
  auto title = "troupe " + escaped(command.name);
  for (const auto& argument : command.arguments)
    title.append(" ").append(italic(argument.name));
  part(page, title);
  paragraph(page, command.help + ".");
  for (const auto& argument : command.arguments)
    entry(page, italic(argument.name), argument.help);
  add_flags(page, command.flags);
  if (!command.notes.empty())
    listing(page, command.notes);
}

void add_setting(std::string& page, const setting& each) {
  auto value = each.print(each.rule, settings{});
  if (value.empty())
    value = "none";
  std::string text{each.reason};
  text.append(" Unit: ").append(unit_text(each.rule)).append(each.is_list ? ", several" : "");
  text.append(". Allowed: ").append(bounds_text(each.rule)).append(". A change counts from the next ");
  text.append(each.changes == change_mode::at_reload ? "reload" : "start").append(" on.");
  entry(page, bold(each.key) + " (default: " + escaped(value) + ")", text);
}

void add_settings(std::string& page) {
  section(page, "SETTINGS");
  paragraph(page,
            "A setting is a line in the YAML file that --config names, a variable TROUPE_<KEY, dots as _>, or a flag: "
            "--set KEY=VALUE, or one of its own. Flags override the environment, which overrides the file. Times are a "
            "number and ms, s, m or h; sizes a number and B, KB, MB, GB, KiB, MiB, GiB, or neither.");
  for (const auto title : setting_sections()) {
    part(page, std::string{title});
    for (const auto& each : all_settings())
      if (section_of(each.key) == title)
        add_setting(page, each);
  }
}

using entries = std::vector<std::pair<std::string_view, std::string_view>>;

void add_entries(std::string& page, std::string_view title, const entries& what) {
  section(page, title);
  for (const auto& [tag, text] : what)
    entry(page, bold(tag), text);
}

}  // namespace

std::string manual_page(const command_tree& tree) {
  // Without a date: the same program prints the same page.
  std::string page = ".TH TROUPE 1 \"\" \"troupe " TROUPE_VERSION "\" \"User Commands\"\n";
  section(page, "NAME");
  page += "troupe \\- a serverless gateway that runs functions on one node or a cluster\n";
  section(page, "SYNOPSIS");
  page += bold("troupe") + " [" + italic("OPTIONS") + "] " + italic("COMMAND") + " [" + italic("ARGUMENTS") + "]\n";
  section(page, "DESCRIPTION");
  page += escaped(
      "troupe serve runs a node: a gateway that answers HTTP requests by running functions, and an admin port. The "
      "other commands talk to a node through its admin port, or work on files.\n");
  section(page, "OPTIONS");
  add_flags(page, tree.flags);
  section(page, "COMMANDS");
  for (const auto& command : tree.commands)
    add_command(page, command);
  add_settings(page);
  add_entries(page, "EXIT STATUS",
              {{"0", "Done; of serve: ended as told."},
               {"1", "Refused or failed."},
               {"2", "Wrong usage, or a start that settings or the machine forbid."},
               {"70", "A node whose loops native functions held beyond their timeouts was ended by its watchdog."}});
  add_entries(page, "FILES",
              {{"./troupe-data", "Data directory of a node (data_dir). Locked while the node runs."},
               {"./troupe-data/node.json", "Process and addresses of the node that runs there."},
               {"./troupe-data/store.db", "What is deployed; at a node that is not the primary, its copy."},
               {"./troupe-data/backups", "Backups that the node writes by itself (store.backup_interval)."},
               {"./troupe-certs", "Certificates that troupe certs made."}});
  add_entries(
      page, "ENVIRONMENT",
      {{"TROUPE_ADMIN", "URL of the admin port that commands talk to, where --admin does not say it."},
       {"TROUPE_<KEY>", "A setting of a node, as above. A variable of this form that is none stops the start."}});
  add_entries(page, "SIGNALS",
              {{"SIGTERM, SIGINT", "The node finishes what runs and ends with 0; a second one ends it at once."},
               {"SIGHUP",
                "The node reads its settings file again, as troupe config reload does. When the terminal that it "
                "writes to is gone, it ends as for SIGTERM."}});
  section(page, "TOPICS");
  paragraph(page, "troupe help TOPIC explains:");
  for (const auto& topic : all_topics())
    entry(page, bold(topic.name), topic.summary);
  return page;
}

}  // namespace troupe::cli
