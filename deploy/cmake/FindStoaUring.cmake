# Finds liburing, the static one where there is a choice, so that nothing more is to be installed where Stoa runs.
#
#   find_package(StoaUring)   defines the target uring::uring, or says that there is none: then the option io_uring says so

find_package(PkgConfig REQUIRED)
pkg_check_modules(URING QUIET liburing>=2.3)
if(URING_FOUND)
	find_library(URING_FILE NAMES liburing.a uring PATHS ${URING_LIBRARY_DIRS} NO_CACHE)
endif()
if(URING_FOUND AND URING_FILE AND NOT TARGET uring::uring)
	add_library(uring::uring UNKNOWN IMPORTED GLOBAL)
	set_target_properties(uring::uring PROPERTIES
		IMPORTED_LOCATION ${URING_FILE} INTERFACE_INCLUDE_DIRECTORIES "${URING_INCLUDE_DIRS}")
endif()
if(TARGET uring::uring)
	set(StoaUring_FOUND TRUE)
else()
	set(StoaUring_FOUND FALSE)
	message(STATUS "There is no liburing (liburing-dev): the option io_uring will not be built in")
endif()
