// What can be told about a Python package by looking at its text: which module and function is the handler. No parser:
// a guess that saves typing `--handler`, made in linear time whatever the text is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/inference.hpp"
#include "config/errc.hpp"

namespace troupe::cli {

/// The names that a module defines at its top level by `def` or by assignment; comments and triple-quoted text are
/// skipped, and so is `async def`, whose answer the runtime could not encode. Each name once, in order.
std::vector<std::string> python_names(std::string_view text);

/// Finds `lambda_handler`, else `handler`, in app.py, lambda_function.py, handler.py, main.py, index.py, the first that
/// has one; else in the only Python file at the top.
/// @returns `MODULE.FUNCTION`, or `errc::bad_usage` naming the flag that says it instead.
expected<std::string> infer_python_handler(const package_files& files);

/// Whether the package names requirements and brings no installed ones along.
bool lacks_requirements(const package_files& files);

}  // namespace troupe::cli
