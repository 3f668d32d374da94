# Finds the libwebsockets that deploy/libwebsockets.sh builds, and refuses any other that lacks libevent.
#
#   find_package(StoaLibwebsockets REQUIRED)   defines the target lws::lws (static, with all it needs)
#
# STOA_LWS_ROOT names the prefix to look in; the default is where deploy/run.sh leaves it.

set(STOA_LWS_ROOT ${PROJECT_SOURCE_DIR}/build/deps/libwebsockets CACHE PATH "Prefix of libwebsockets built with libevent")

if(NOT EXISTS ${STOA_LWS_ROOT}/lib/libwebsockets.a OR NOT EXISTS ${STOA_LWS_ROOT}/include/lws_config.h)
	message(FATAL_ERROR "There is no static libwebsockets in ${STOA_LWS_ROOT}: run deploy/run.sh --build-only first.")
endif()
file(STRINGS ${STOA_LWS_ROOT}/include/lws_config.h lws_libevent REGEX "^#define LWS_WITH_LIBEVENT$")
if(NOT lws_libevent)
	message(FATAL_ERROR "The libwebsockets in ${STOA_LWS_ROOT} was built without libevent, as Debian's is; Stoa needs the "
		"one that deploy/run.sh --build-only builds.")
endif()
# A changed patch gives the link a new target; without this, ninja would not see that it has to compile and link again.
file(REAL_PATH ${STOA_LWS_ROOT} lws_prefix)

find_package(PkgConfig REQUIRED)
find_package(OpenSSL REQUIRED)
pkg_check_modules(LWS_LIBEVENT REQUIRED IMPORTED_TARGET libevent_core)
pkg_check_modules(LWS_LIBCAP REQUIRED IMPORTED_TARGET libcap)

if(NOT TARGET lws::lws)
	add_library(lws::lws STATIC IMPORTED GLOBAL)
	# The include path of an imported target is a SYSTEM one: our warnings are for our own code.
	set_target_properties(lws::lws PROPERTIES
		IMPORTED_LOCATION ${lws_prefix}/lib/libwebsockets.a
		INTERFACE_INCLUDE_DIRECTORIES ${lws_prefix}/include
		INTERFACE_LINK_LIBRARIES
		"PkgConfig::LWS_LIBEVENT;OpenSSL::SSL;OpenSSL::Crypto;PkgConfig::LWS_LIBCAP;m;dl")
endif()
set(StoaLibwebsockets_FOUND TRUE)
