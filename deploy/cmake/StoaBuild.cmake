# The build's vocabulary: flags for all our code, and the functions that the folders' CMakeLists.txt speak.

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

option(STOA_WERROR "Warnings are errors" OFF)
option(STOA_FUZZ "Build the fuzz targets with libFuzzer (clang)" OFF)
set(STOA_SANITIZE "" CACHE STRING "Value of -fsanitize=, for all code (dev: address,undefined)")

# stoa_flags carries the warnings of STYLE, the feature macros and the sanitizers to every target of ours.
add_library(stoa_flags INTERFACE)
target_compile_definitions(stoa_flags INTERFACE _GNU_SOURCE)
target_compile_options(stoa_flags INTERFACE
	-Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wundef -Wformat=2
	-Wvla -Wpointer-arith -Wcast-qual -Wconversion -Wswitch -Wimplicit-fallthrough
	$<$<BOOL:${STOA_WERROR}>:-Werror> -fno-strict-aliasing -fno-common -fvisibility=hidden)
if(STOA_SANITIZE)
	target_compile_options(stoa_flags INTERFACE -fsanitize=${STOA_SANITIZE} -fno-omit-frame-pointer
		-fno-sanitize-recover=all)
	target_link_options(stoa_flags INTERFACE -fsanitize=${STOA_SANITIZE})
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
	target_compile_definitions(stoa_flags INTERFACE _FORTIFY_SOURCE=2)
	target_compile_options(stoa_flags INTERFACE -g -fstack-protector-strong -fstack-clash-protection -fcf-protection)
	target_link_options(stoa_flags INTERFACE -Wl,-z,relro,-z,now)
endif()

# stoa_library(NAME SOURCES a.c ... USES layer ... [LINKS target ...])
# One layer. USES names the layers it may include; what those use in turn is linked but not on the include path.
function(stoa_library name)
	cmake_parse_arguments(arg "" "" "SOURCES;USES;LINKS" ${ARGN})
	add_library(stoa-${name} STATIC ${arg_SOURCES})
	set_target_properties(stoa-${name} PROPERTIES POSITION_INDEPENDENT_CODE ON STOA_DIR ${CMAKE_CURRENT_SOURCE_DIR})
	target_link_libraries(stoa-${name} PRIVATE stoa_flags ${arg_LINKS})
	stoa_uses(stoa-${name} ${name} ${arg_USES})
endfunction()

# stoa_uses(TARGET layer ...): puts each layer's folder on TARGET's include path and links the layer.
function(stoa_uses target)
	foreach(layer IN LISTS ARGN)
		get_target_property(dir stoa-${layer} STOA_DIR)
		target_include_directories(${target} PRIVATE ${dir})
		if(EXISTS ${dir}/include) # the part that is installed for application modules
			target_include_directories(${target} PRIVATE ${dir}/include)
		endif()
		if(NOT target STREQUAL stoa-${layer})
			target_link_libraries(${target} PRIVATE stoa-${layer})
		endif()
	endforeach()
endfunction()

# stoa_program(NAME SOURCES ... USES ... [LINKS ...]): an executable in bin/.
function(stoa_program name)
	cmake_parse_arguments(arg "" "" "SOURCES;USES;LINKS" ${ARGN})
	add_executable(${name} ${arg_SOURCES})
	target_include_directories(${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
	target_link_libraries(${name} PRIVATE stoa_flags ${arg_LINKS})
	stoa_uses(${name} ${arg_USES})
endfunction()

# stoa_app(NAME source.c ...): an application module in apps/NAME.so, built as a user builds one: with the public
# headers only.
function(stoa_app name)
	add_library(app-${name} MODULE ${ARGN})
	set_target_properties(app-${name} PROPERTIES PREFIX "" OUTPUT_NAME ${name}
		LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/apps)
	target_include_directories(app-${name} PRIVATE ${CMAKE_SOURCE_DIR}/common/app/include
		${CMAKE_SOURCE_DIR}/common/codec/include)
	target_link_libraries(app-${name} PRIVATE stoa_flags)
endfunction()

# stoa_unit_test(NAME SOURCES ... USES ... [LINKS ...]): a Check program, registered with CTest as unit/NAME.
function(stoa_unit_test name)
	cmake_parse_arguments(arg "" "" "SOURCES;USES;LINKS" ${ARGN})
	stoa_program(test-${name} SOURCES ${arg_SOURCES} USES ${arg_USES} LINKS ${arg_LINKS} stoa-test-main)
	add_test(NAME unit/${name} COMMAND test-${name})
	# Check ends a forked case after 4 s, which a loaded machine may need. Unforked with sanitizers: leaks are looked for
	# at the exit of the process that made them.
	if(STOA_SANITIZE)
		set(environment CK_FORK=no)
	else()
		set(environment CK_DEFAULT_TIMEOUT=60)
	endif()
	set_tests_properties(unit/${name} PROPERTIES LABELS unit TIMEOUT 600 ENVIRONMENT ${environment})
endfunction()

# stoa_fuzz_target(NAME SOURCES ... USES ...): fuzz-NAME. With STOA_FUZZ it is a libFuzzer program, built by the target
# `fuzzers` and listed in BUILD/fuzz-targets for tests/fuzz/run.sh; otherwise it is linked with a driver that runs every
# file of tests/fuzz/corpus/NAME, which is a unit test.
function(stoa_fuzz_target name)
	cmake_parse_arguments(arg "" "" "SOURCES;USES;LINKS" ${ARGN})
	if(STOA_FUZZ)
		stoa_program(fuzz-${name} SOURCES ${arg_SOURCES} USES ${arg_USES} LINKS ${arg_LINKS})
		target_compile_options(fuzz-${name} PRIVATE -fsanitize=fuzzer)
		target_link_options(fuzz-${name} PRIVATE -fsanitize=fuzzer)
		if(NOT TARGET fuzzers)
			add_custom_target(fuzzers)
		endif()
		add_dependencies(fuzzers fuzz-${name})
		set_property(GLOBAL APPEND PROPERTY STOA_FUZZ_TARGETS ${name})
		get_property(names GLOBAL PROPERTY STOA_FUZZ_TARGETS)
		list(JOIN names "\n" lines)
		file(WRITE ${CMAKE_BINARY_DIR}/fuzz-targets "${lines}\n")
	else()
		stoa_program(fuzz-${name} SOURCES ${arg_SOURCES} ${CMAKE_SOURCE_DIR}/tests/fuzz/replay.c USES ${arg_USES}
			LINKS ${arg_LINKS})
		add_test(NAME fuzz/${name} COMMAND fuzz-${name} ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name})
		set_tests_properties(fuzz/${name} PROPERTIES LABELS fuzz TIMEOUT 600)
	endif()
endfunction()
